// rpcbind and mountd, which version 3 needs.
import type { NfsQuestion } from "../../kinds/nfs/question.ts";
import type { RpcFailure } from "../../rpc/message.ts";
import { type Check, notApplicable, ok, warning } from "../check.ts";
import type { AddressFacts } from "../facts.ts";
import { type Found, stages } from "../found.ts";
import { failureWords } from "../../rpc/failure.ts";

/** rpcbind or mountd, which version 3 needs, do not serve. */
export function registrationCause(address: AddressFacts, question: NfsQuestion): Found | undefined {
  const { rpcbind, mountd, mountdAddress } = address;
  const needsRpcbind = question.port === undefined || question.mountPort === undefined;
  const orVersion4 = insteadOf3(question);
  const withoutRpcbind = `${orVersion4 === "" ? "" : "use version 4, which needs port 2049 alone, or "}give port= and mountport= in NFS_OPTIONS`;
  if (needsRpcbind && rpcbind !== undefined && rpcbind.kind !== "ports") {
    const isRefused = rpcbind.kind === "no-answer" && rpcbind.errno === "ECONNREFUSED";
    return {
      id: "rpcbind-down",
      stage: stages.rpcbind,
      because: `rpcbind on port 111 of ${address.address} does not answer (${failureWords(rpcbind)}), and version 3 needs it`,
      change: `${isRefused ? "start rpcbind on the server" : "let port 111 through the firewall"}, or ${withoutRpcbind}`,
    };
  }
  if (mountd === undefined) {
    return {
      id: "mountd-not-registered",
      stage: stages.mountd,
      because: `mountd is not registered with rpcbind of ${mountdAddress}, and version 3 needs it`,
      change: `start rpc.mountd on the server${orVersion4}`,
    };
  }
  if (mountd.kind !== "success") return mountdHangs(address) ?? mountdCause(address, mountd, mountd.port, orVersion4);
  return undefined;
}

/** The way out by version 4; where that was tried it did not help. */
export function insteadOf3({ version4 }: NfsQuestion): string {
  return version4 ? "" : ", or use version 4";
}

/**
 * mountd takes the connection and says nothing. The server's kernel asks it, in every version, who may mount what
 * (nfs-utils support/export/cache.c): until it answers, mount calls wait there.
 */
export function mountdHangs({ mountd, mountdPort, mountdAddress }: AddressFacts): Found | undefined {
  if (mountd?.kind !== "no-answer" || mountd.errno !== "ETIMEDOUT" || mountdPort?.kind !== "open") return undefined;
  return {
    id: "mountd-hangs",
    stage: stages.mountd,
    because: `rpc.mountd of ${mountdAddress} hangs: it takes the connection on port ${mountd.port} and answers nothing, and the server asks it in every version who may mount what`,
    change: "restart rpc.mountd on the server (systemctl restart nfs-mountd) and look at its log",
  };
}

export function mountdCause(
  { mountdAddress }: AddressFacts,
  failure: RpcFailure,
  port: number,
  orVersion4: string,
): Found {
  const isRefused = failure.kind === "no-answer" && failure.errno === "ECONNREFUSED";
  return {
    id: "mountd-unreachable",
    stage: stages.mountd,
    because: `mountd on port ${port} of ${mountdAddress} does not answer (${failureWords(failure)}), and version 3 needs it`,
    change: `${isRefused ? "start rpc.mountd on the server, or" : "see that rpc.mountd runs,"} let port ${port} through the firewall (fix it with port= in the [mountd] section of nfs.conf)${orVersion4}`,
  };
}

export function registrationChecks(
  { rpcbind, mountd, mountdPort, mountdAddress }: AddressFacts,
  isNeeded: boolean,
  of: string,
): readonly Check[] {
  const judged = (name: string, fact: string, next: string) =>
    isNeeded ? warning(name, fact, next) : notApplicable(name, `${fact}; only version 3 needs it`);
  const checks: Check[] = [];
  if (rpcbind === undefined) checks.push(notApplicable(`rpcbind${of}`, "not asked"));
  else if (rpcbind.kind === "ports") {
    const versionsOf = (program: number) => {
      const found = rpcbind.ports.filter((one) => one.program === program && one.transport === "tcp");
      return found.length === 0 ? "none" : [...new Set(found.map((one) => `${one.version} on ${one.port}`))].join(", ");
    };
    checks.push(ok(`rpcbind${of}`, `knows NFS ${versionsOf(100_003)}; mountd ${versionsOf(100_005)}`));
  } else {
    checks.push(
      judged(`rpcbind${of}`, `port 111: ${failureWords(rpcbind)}`, "start rpcbind on the server, or use version 4"),
    );
  }
  if (mountd === undefined) checks.push(notApplicable(`mountd${of}`, "its port is not known"));
  else if (mountd.kind === "success")
    checks.push(ok(`mountd${of}`, `answers on port ${mountd.port} of ${mountdAddress}`));
  else
    checks.push(
      judged(
        `mountd${of}`,
        `port ${mountd.port}: ${failureWords(mountd)}`,
        mountdPort?.kind === "open"
          ? "it takes the connection and hangs: restart rpc.mountd on the server"
          : "open its port in the firewall, or use version 4",
      ),
    );
  return checks;
}
