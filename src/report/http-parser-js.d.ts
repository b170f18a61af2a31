// What nfs-init uses of http-parser-js.
declare module "http-parser-js" {
  interface RequestHead {
    /** An index into `methods`. */
    readonly method: number;
    readonly url: string;
  }
  export class HTTPParser {
    static readonly REQUEST: "REQUEST";
    static readonly kOnHeadersComplete: 2;
    static readonly kOnBody: 3;
    static readonly kOnMessageComplete: 4;
    static readonly methods: readonly string[];
    maxHeaderSize: number;
    [HTTPParser.kOnHeadersComplete]: (head: RequestHead) => void;
    /** A part of the body, without the marks of its encoding. */
    [HTTPParser.kOnBody]: (chunk: Uint8Array, offset: number, length: number) => void;
    [HTTPParser.kOnMessageComplete]: () => void;
    constructor(type: "REQUEST");
    /** How many bytes were taken, or why it is no request. */
    execute(chunk: Uint8Array): number | Error;
  }
}
