// What doctor's questions need of the machine, and how long they may take.
import type { Network } from "../ask/network.ts";
import type { Clock } from "../clock.ts";
import type { Identity } from "../init/identity.ts";
import type { SecretsFileFact } from "../kinds/diagnosis.ts";
import type { KernelMount, SecretsFile } from "../kinds/mounting.ts";
import type { SecurityNeeds } from "../kinds/nfs/security.ts";
import type { Mounter } from "../mount/ports.ts";
import type { Share } from "../shares/share.ts";
import type { DoctorFacts, MountPointFact, PortFact, RouteFact, SecurityFacts, TrialFact } from "./facts.ts";

/** A trial in one version. */
export interface TrialRequest {
  readonly version: string;
  readonly call: KernelMount;
  /** A file that is read while it is mounted. */
  readonly rightsFile?: string | undefined;
}

/** What the questions need of the machine. */
export interface DoctorPorts {
  readonly network: Network;
  readonly clock: Clock;
  /** Which way an address would be reached, without a packet. */
  readonly route: (address: string) => RouteFact;
  /** A TCP connection to a port, made and closed. */
  readonly tryPort: (address: string, port: number, signal: AbortSignal) => Promise<PortFact>;
  /** Everything that is told by this machine alone; shares are given for the harmless mount(2) calls. */
  readonly machine: (shares: readonly Share[]) => Pick<DoctorFacts, "engine" | "process" | "kernel" | "fstab"> & {
    readonly locks: Omit<DoctorFacts["locks"], "ownRpcbind">;
  };
  readonly mountPoint: (share: Share, timeoutMs: number) => Promise<MountPointFact>;
  /** Mounts for a moment, in a mount namespace of its own, one version after another until one works. */
  readonly trial: (share: Share, requests: readonly TrialRequest[], signal: AbortSignal) => Promise<TrialFact>;
  readonly readOptions: Mounter["readOptions"];
  /** What of the needs of Kerberos or TLS is seen from here. */
  readonly security: (needs: SecurityNeeds) => SecurityFacts;
  /** What a file of secrets has, without what is secret. */
  readonly secretsFile: (file: SecretsFile) => SecretsFileFact;
  /** Who doctor itself is. */
  readonly self: { readonly uid: number; readonly gid: number; readonly machineName: string };
}

/** How long the questions may take, in milliseconds; each is also bounded by the whole. */
export const limits = {
  nameMs: 3_000,
  /** A neighbour that does not answer ARP is reported after 3.1 s. */
  connectMs: 3_600,
  questionMs: 2_000,
  trialMs: 3_500,
  mountPointMs: 2_000,
} as const;

export interface Case {
  readonly ports: DoctorPorts;
  readonly share: Share;
  readonly identity: Identity | undefined;
  readonly mayMount: boolean;
  /** Aborts when doctor's whole time is over. */
  readonly whole: AbortSignal;
}
