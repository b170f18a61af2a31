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
    static readonly methods: readonly string[];
    maxHeaderSize: number;
    [HTTPParser.kOnHeadersComplete]: (head: RequestHead) => void;
    constructor(type: "REQUEST");
    /** How many bytes were taken, or why it is no request. */
    execute(chunk: Uint8Array): number | Error;
  }
}
