/** Frames in three dimensions on a page: a canvas, turned by dragging, and nothing that must be fetched. */

import { escapeHtml } from '../../analysis/assess/html.ts';
import { covalentRadius } from '../../dynamics/structures/radii.ts';
import { symbolOf } from '../../elements.ts';
import type { Structure } from '../../io/structure.ts';

export interface ViewedFrame {
  readonly title: string;
  /** What is told of it, a line each. */
  readonly notes: readonly string[];
  readonly structure: Structure;
}

/** Elements that have a colour everybody knows; others get one by their number. */
const COLOURS: Readonly<Record<string, string>> = {
  ...{ H: '#e8e8e8', C: '#555555', N: '#3050f8', O: '#e02020', F: '#7ac74f', P: '#ff8000', S: '#e6c622' },
  ...{ Cl: '#1fc01f', Br: '#a62929', I: '#940094', Na: '#ab5cf2', Si: '#d9b98c', Fe: '#d06633', Cu: '#c88033' },
  ...{ Al: '#9aa5b8', Sn: '#668080', Au: '#d8b023', Li: '#b070e0', Ti: '#a0a4aa', Zn: '#7d80b0' },
};

const colourOf = (number: number): string =>
  COLOURS[symbolOf(number)] ?? `hsl(${Math.round((number * 137.508) % 360)} 45% 55%)`;

/** Between two metals a short distance is no bond. */
const NON_METALS: ReadonlySet<string> = new Set('H B C N O F Si P S Cl As Se Br Te I'.split(' '));

const rounded = (values: Iterable<number>): number[] => Array.from(values, (x) => Number(x.toFixed(3)));

/** @param frames one or more; the first is shown @returns HTML with its script */
export function viewer(frames: readonly ViewedFrame[]): string {
  const numbers = [...new Set(frames.flatMap(({ structure }) => [...structure.numbers]))];
  const data = {
    elements: Object.fromEntries(
      numbers.map((z) => {
        const symbol = symbolOf(z);
        return [z, { symbol, colour: colourOf(z), radius: covalentRadius(z), binds: NON_METALS.has(symbol) }];
      }),
    ),
    frames: frames.map(({ title, notes, structure }) => ({
      ...{ title, notes, numbers: [...structure.numbers], positions: rounded(structure.positions) },
      ...(structure.cell && { cell: rounded(structure.cell) }),
    })),
  };
  // A title could hold the end of a script.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const options = frames.map(({ title }, i) => `<option value="${i}">${escapeHtml(title)}</option>`).join('');
  return `<div id="viewer"><canvas width="640" height="480" tabindex="0" aria-label="structure, turned by dragging"></canvas>
<div><p><button type="button" id="before" aria-label="frame before">◀</button> <select id="frame" aria-label="frame">${options}</select> <button type="button" id="after" aria-label="next frame">▶</button></p>
<p id="legend"></p><p id="notes"></p><p class="small">Drag to turn, wheel to zoom, ← → for other frames, double click to reset.</p></div></div>
<script>(${SCRIPT})(${json})</script>`;
}

/** Runs in the browser. Orthographic; atoms are balls of 0.6 covalent radii, painted from the back to the front. */
const SCRIPT = `function (data) {
  const root = document.getElementById('viewer');
  const canvas = root.querySelector('canvas');
  const context = canvas.getContext('2d');
  const select = document.getElementById('frame');
  const START = { turn: rotation(-1.15, 0, 0.45), zoom: 1 };
  let { turn, zoom } = START;
  let shown;

  function rotation(x, y, z) {
    const [cx, sx, cy, sy, cz, sz] = [Math.cos(x), Math.sin(x), Math.cos(y), Math.sin(y), Math.cos(z), Math.sin(z)];
    return times(times([1, 0, 0, 0, cx, -sx, 0, sx, cx], [cy, 0, sy, 0, 1, 0, -sy, 0, cy]), [cz, -sz, 0, sz, cz, 0, 0, 0, 1]);
  }
  function times(a, b) {
    const c = [];
    for (let i = 0; i < 9; i++) {
      const [r, k] = [3 * Math.floor(i / 3), i % 3];
      c.push(a[r] * b[k] + a[r + 1] * b[k + 3] + a[r + 2] * b[k + 6]);
    }
    return c;
  }
  const apply = (m, [x, y, z]) => [0, 3, 6].map((r) => m[r] * x + m[r + 1] * y + m[r + 2] * z);

  function load(index) {
    const frame = data.frames[index];
    const atoms = frame.numbers.map((z, i) => ({ at: frame.positions.slice(3 * i, 3 * i + 3), ...data.elements[z] }));
    const corners = frame.cell ? Array.from({ length: 8 }, (_, k) => corner(frame.cell, k)) : [];
    const all = [...atoms.map(({ at }) => at), ...corners];
    const centre = [0, 1, 2].map((k) => (Math.min(...all.map((p) => p[k])) + Math.max(...all.map((p) => p[k]))) / 2);
    const moved = (p) => p.map((x, k) => x - centre[k]);
    for (const atom of atoms) atom.at = moved(atom.at);
    const edges = [];
    if (frame.cell) {
      for (let a = 0; a < 8; a++) for (const bit of [1, 2, 4]) if (!(a & bit)) edges.push([moved(corners[a]), moved(corners[a | bit])]);
    }
    const bonds = [];
    if (atoms.length <= 500) {
      for (let i = 0; i < atoms.length; i++) {
        for (let j = 0; j < i; j++) {
          if (!atoms[i].binds && !atoms[j].binds) continue;
          const d = Math.hypot(...atoms[i].at.map((x, k) => x - atoms[j].at[k]));
          if (d < 1.15 * (atoms[i].radius + atoms[j].radius)) bonds.push([atoms[i], atoms[j]]);
        }
      }
    }
    const reach = 1.5 + Math.max(...all.map((p) => Math.hypot(...moved(p))));
    shown = { atoms, edges, bonds, reach };
    select.value = String(index);
    const counts = new Map();
    for (const { symbol, colour } of atoms) counts.set(symbol, { colour, count: (counts.get(symbol)?.count ?? 0) + 1 });
    document.getElementById('legend').replaceChildren(
      ...[...counts].map(([symbol, { colour, count }]) => {
        const item = document.createElement('span');
        item.textContent = '● ' + symbol + ' ' + count + '  ';
        item.style.color = colour === '#e8e8e8' ? '#999' : colour;
        return item;
      }),
    );
    document.getElementById('notes').replaceChildren(
      ...frame.notes.map((note) => Object.assign(document.createElement('div'), { textContent: note })),
    );
    draw();
  }
  const corner = (cell, k) => [0, 1, 2].map((x) => [0, 1, 2].reduce((sum, v) => sum + ((k >> v) & 1) * cell[3 * v + x], 0));

  function draw() {
    const scale = (zoom * Math.min(canvas.width, canvas.height)) / 2 / shown.reach;
    const place = (p) => {
      const [x, y, z] = apply(turn, p);
      return { x: canvas.width / 2 + scale * x, y: canvas.height / 2 - scale * y, z };
    };
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    const line = (from, to, style, width) => {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    };
    for (const [from, to] of shown.edges) line(place(from), place(to), '#8a8a8a', 1);
    const items = [
      ...shown.atoms.map((atom) => ({ atom, ...place(atom.at) })),
      ...shown.bonds.map(([a, b]) => {
        const [from, to] = [place(a.at), place(b.at)];
        // Behind both of its atoms, which hide its ends.
        return { from, to, z: Math.min(from.z, to.z) - 1e-3 };
      }),
    ].sort((a, b) => a.z - b.z);
    for (const item of items) {
      if (item.from) line(item.from, item.to, '#777', Math.max(1, 0.18 * scale));
      else ball(item, 0.6 * item.atom.radius * scale);
    }
  }
  function ball({ x, y, z, atom }, radius) {
    const shade = context.createRadialGradient(x - 0.35 * radius, y - 0.35 * radius, 0.1 * radius, x, y, radius);
    shade.addColorStop(0, '#fff');
    shade.addColorStop(0.35, atom.colour);
    shade.addColorStop(1, '#222');
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    // Paler far away, but never to be seen through.
    context.fillStyle = '#fff';
    context.fill();
    context.globalAlpha = 0.5 + (0.5 * (z + shown.reach)) / (2 * shown.reach);
    context.fillStyle = shade;
    context.fill();
    context.globalAlpha = 1;
  }

  const step = (by) => load((Number(select.value) + by + data.frames.length) % data.frames.length);
  select.addEventListener('change', () => load(Number(select.value)));
  document.getElementById('before').addEventListener('click', () => step(-1));
  document.getElementById('after').addEventListener('click', () => step(1));
  canvas.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowLeft') step(-1);
    if (key === 'ArrowRight') step(1);
  });
  canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    turn = times(rotation(event.movementY / 120, event.movementX / 120, 0), turn);
    draw();
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom = Math.min(20, Math.max(0.2, zoom * Math.exp(-event.deltaY / 600)));
    draw();
  }, { passive: false });
  canvas.addEventListener('dblclick', () => {
    ({ turn, zoom } = START);
    draw();
  });
  // Rows of tables that stand anywhere on the page.
  document.addEventListener('click', ({ target }) => {
    const row = target.closest('[data-frame]');
    if (row) load(Number(row.dataset.frame));
  });
  load(0);
}`;
