/** crystcif-parse 0.2 comes without types; these are the parts that are used: its syntax and its table of settings. */
declare module 'crystcif-parse/lib/parse.js' {
  export interface CifValue {
    readonly type: 'int' | 'float' | 'string' | 'mstring' | 'N/A' | '?';
    readonly num?: number;
    readonly text?: string;
  }
  export type CifItem =
    | { readonly tag: string; readonly type: 'single'; readonly value: CifValue }
    | { readonly tag: string; readonly type: 'loop'; readonly value: readonly CifValue[] };
  const parser: { parseCif(text: string): Record<string, Record<string, CifItem>> };
  export default parser;
}
