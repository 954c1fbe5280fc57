"""The codec against the golden frames that every implementation reads, and against any other bytes."""

import json
import random
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from ase import Atoms
from mlts_ase.calculator import _results
from mlts_ase.codec import array, decode, encode, error_in, number
from mlts_ase.errors import CODES, MltsError

ROOT = Path(__file__).parents[2]
FRAMES = sorted((ROOT / "test" / "vectors" / "frames").glob("*.json"))
DTYPES = {
    "numbers": "<i4",
    "force_deviations": "<f4",
    **dict.fromkeys(
        ("positions", "cell", "forces", "virial", "energies", "virials", "sigma_energies", "sigma_forces"), "<f8"
    ),
    **dict.fromkeys(("member_energies", "member_forces"), "<f8"),
}


def on_wire(message: Any) -> Any:
    """A message as JSON writes it, with its arrays as the bytes that travel."""
    if isinstance(message, list):
        return [on_wire(entry) for entry in message]
    if not isinstance(message, dict):
        return message
    return {
        key: np.array(value, DTYPES[key]).tobytes() if key in DTYPES else on_wire(value)
        for key, value in message.items()
    }


def load(path: Path) -> tuple[dict[str, Any], bytes]:
    vector = json.loads(path.read_text())
    return vector["message"], bytes.fromhex(vector["hex"])


def test_there_are_golden_frames() -> None:
    assert len(FRAMES) >= 20


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_golden_frame_decodes_and_encodes(path: Path) -> None:
    message, frame = load(path)
    assert decode(frame) == on_wire(message)
    assert encode(decode(frame)) == frame


def test_golden_reply_gives_its_numbers() -> None:
    message, frame = load(ROOT / "test" / "vectors" / "frames" / "evaluate-session-reply.json")
    reply = decode(frame)
    assert number(reply, "energy") == message["energy"]
    assert array(reply, "forces", (3, 3)).ravel().tolist() == message["forces"]
    with pytest.raises(MltsError, match="E_PROTOCOL: received a reply whose `forces` has 72 bytes"):
        array(reply, "forces", (4, 3))


def test_golden_error_is_raised_as_sent() -> None:
    message, frame = load(ROOT / "test" / "vectors" / "frames" / "error-overlap.json")
    error = error_in(decode(frame))
    assert error is not None
    assert (error.code, error.what, error.remedy, error.atom) == tuple(
        message.get(key) for key in ("code", "what", "remedy", "atom")
    )


def test_codes_are_those_of_the_server() -> None:
    source = (ROOT / "src" / "errors.ts").read_text()
    body = source[source.index("export const CODES") : source.index("} as const")]
    codes = {line.strip().split(":")[0] for line in body.splitlines() if line.strip().startswith("E_")}
    assert codes == set(CODES)


def consume(frame: bytes, atoms: Atoms) -> None:
    """All that a client does with a reply."""
    reply = decode(frame)
    if (error := error_in(reply)) is not None:
        raise error
    _results(reply, atoms)


def corrupt(frame: bytes, rng: random.Random) -> bytes:
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
            case 3:
                data[at] = rng.choice((0xC1, 0xC7, 0xD6, 0xDD, 0xDF, 0xC6, 0xDB, 0xCB))
        if not data:
            break
    return bytes(data)


def test_any_bytes_give_results_or_a_typed_error() -> None:
    rng = random.Random(1)
    golden = [load(path)[1] for path in FRAMES]
    water = Atoms("OHH", positions=np.eye(3), cell=[5, 5, 5], pbc=True)
    refused = 0
    for _ in range(20_000):
        frame = rng.randbytes(rng.randint(0, 60)) if rng.random() < 0.2 else corrupt(rng.choice(golden), rng)
        try:
            consume(frame, water)
        except MltsError:
            refused += 1
    assert refused > 15_000


@pytest.mark.parametrize(
    "value",
    [None, 1, "text", [], {}, {"type": 1}, {1: "type"}, [{"type": "evaluate"}]],
    ids=repr,
)
def test_what_is_no_message_is_refused(value: Any) -> None:
    with pytest.raises(MltsError, match=r"^E_PROTOCOL: "):
        decode(msgpack.packb(value))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(MltsError, match=r"^E_PROTOCOL: "):
        decode(b"\x91" * 100_000)


def test_a_non_finite_number_is_refused() -> None:
    with pytest.raises(MltsError, match=r"^E_NONFINITE: "):
        number({"energy": float("nan")}, "energy")
    with pytest.raises(MltsError, match=r"^E_NONFINITE: "):
        array({"forces": np.array([0, np.inf, 0]).tobytes()}, "forces", (1, 3))
