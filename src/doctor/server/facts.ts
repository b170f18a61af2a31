// What is found out about a server that is to be: of this machine, and of each directory that is to be exported.
import type { Preparation } from "../../config/exports.ts";
import type { Served } from "../../export/ask.ts";
import type { Network } from "../../export/clients.ts";
import type { Export } from "../../export/exports.ts";
import type { ServedVersion, ServerTrouble } from "../../export/server.ts";

/** What came of everything that a start would do before it changes anything. */
export type ServerTrial =
  | {
      readonly kind: "fit";
      /** As the kernel says them: `-2 +3 +4 +4.1 +4.2`. */
      readonly versions: string;
      /** Of a server that runs in this network namespace; 0 where there is none. */
      readonly threads: number;
    }
  | { readonly kind: "trouble"; readonly trouble: ServerTrouble }
  | { readonly kind: "no-answer" };

/** A port: free, had by somebody, or not to be had by this process. */
export type PortFact =
  | { readonly kind: "free" }
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly errno: string };

export interface ServicePortFact {
  /** `MOUNT service`, and the variable that sets its port. */
  readonly name: string;
  readonly variable: string;
  readonly port: number;
  readonly fact: PortFact;
}

export interface ServerMachineFacts {
  /** A trial with nothing to export. */
  readonly trial: ServerTrial;
  readonly port: number;
  readonly portFact: PortFact;
  /** Whether another instance of `serve` runs in this network namespace. */
  readonly isClaimed: boolean;
  /** What version 3 needs; empty where it is not wanted. */
  readonly services: readonly ServicePortFact[];
  /** Whether a portmapper is there already. */
  readonly hasPortmapper: boolean;
  readonly state: { readonly path: string; readonly fstype: string; readonly unwritable: string | undefined };
}

export interface ExportFacts {
  readonly export: Export;
  readonly preparation: Preparation;
  readonly directory: "there" | "absent" | "no-directory" | "no-answer";
  /** The mount on it, where there is one, and otherwise that around it. */
  readonly mount: { readonly isOwn: boolean; readonly fstype: string; readonly root: string } | undefined;
  /** The disk that is to be mounted on it; undefined where none is asked for. */
  readonly device: { readonly kind: "found"; readonly source: string } | { readonly kind: "absent" } | undefined;
  /** A trial with this export alone; undefined where something is mounted on it first. */
  readonly trial: ServerTrial | undefined;
  /** What it answers where a server runs. */
  readonly served: Served | undefined;
}

export interface ServerFacts {
  readonly machine: ServerMachineFacts;
  readonly exports: readonly ExportFacts[];
  readonly wanted: readonly ServedVersion[] | undefined;
  /** Networks that may mount where nothing is said. */
  readonly attached: readonly Network[];
  readonly tookMs: number;
}
