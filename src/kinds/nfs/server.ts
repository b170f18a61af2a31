// A server of NFS, asked over ONC RPC.
import { callNull } from "../../ask/service.ts";
import { ports, programs } from "../../rpc/message.ts";
import { optionValue } from "../../shares/options.ts";
import type { KindServer } from "../server.ts";
import { askPath } from "./path.ts";
import { mountAddresses, questionOf, type NfsQuestion } from "./question.ts";
import { askServer } from "./readiness.ts";
import { writeAccessAsker } from "./write-access.ts";

export const nfsServer: KindServer<NfsQuestion> = {
  question: questionOf,
  ask: askServer,
  askPath,
  mountAddresses,
  writeAccess: writeAccessAsker,
  answersAt: async (dial, { superOptions }, address, signal) => {
    const port = Number(optionValue(superOptions, "port") ?? 0) || ports.nfs;
    const version = Number((optionValue(superOptions, "vers") ?? "4").split(".")[0]);
    const answer = await callNull(dial, { address, port, program: programs.nfs, version }, signal);
    return answer.kind === "success" || answer.kind === "version-mismatch";
  },
};
