// What a kind of share is to the rest of the program.

/** Where the server of a share was found to answer. */
export interface MountAddresses {
  readonly server: string;
  /** mountd's, where `mountaddr=` or `mounthost=` names another host (version 3). */
  readonly mountd: string | undefined;
}

/** The arguments of one mount(2). */
export interface KernelMount {
  readonly source: string;
  readonly fstype: "nfs" | "nfs4";
  readonly flags: number;
  readonly data: string;
}

/** An option that the kernel refuses. */
export interface RefusedOption {
  /** As it is written among the options. */
  readonly word: string;
  /** The kernel's own words, where it has some. */
  readonly said: string | undefined;
}
