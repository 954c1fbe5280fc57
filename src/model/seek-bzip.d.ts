/** seek-bzip 2 comes without types; this is the one call that is used. */
declare module 'seek-bzip' {
  const Bunzip: {
    /** Decompresses a whole bzip2 stream of known size; throws where it is damaged or larger. */
    decode(input: Uint8Array, size: number): Uint8Array;
  };
  export default Bunzip;
}
