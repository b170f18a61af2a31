// A server of EFS: one of NFS 4.1, with the address to fall back to where its name does not resolve or answer.
import { nfsServer } from "../nfs/server.ts";
import type { NfsQuestion } from "../nfs/question.ts";
import type { KindServer } from "../server.ts";

export const efsServer: KindServer<NfsQuestion> = {
  ...nfsServer,
  question: (share) => ({ ...nfsServer.question(share), kind: "efs" }),
  ask: async (network, question, signal, asksAll) => {
    const { fallback } = question;
    const byName = await nfsServer.ask(network, question, signal, asksAll);
    if (byName.kind === "ready" || fallback === undefined || signal.aborted) return byName;
    const byAddress = await nfsServer.ask(network, { ...question, host: fallback }, signal, asksAll);
    return byAddress.kind === "ready"
      ? byAddress
      : { ...byName, reason: `${byName.reason}; mounttargetip: ${byAddress.reason}` };
  },
};
