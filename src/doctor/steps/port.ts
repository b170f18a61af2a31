// The way to an address, and its port.
import { ports as wellKnown, programs } from "../../rpc/message.ts";
import { hasOption } from "../../shares/options.ts";
import type { Engine } from "../engine.ts";
import type { AddressFacts, PortFact, ShareFacts } from "../facts.ts";
import { type Found, stages } from "../found.ts";

/** No way to the address, or its port is not open. */
export function unreachable({ share }: ShareFacts, facts: AddressFacts, engine: Engine): Found | undefined {
  const { address, route, port, usualPort, rpcbind } = facts;
  if (route.kind === "no-route") {
    return {
      id: "no-route",
      stage: stages.route,
      because: `there is no route to ${address} from here (${route.reason})`,
      change: `correct NFS_HOST, or give the container a network that leads there${networks[engine]}`,
    };
  }
  if (port === undefined || port.kind === "open") return undefined;
  const stage = stages.port;
  const { port: number } = port;
  const isStated = number !== wellKnown.nfs || hasOption(share.options, "port");
  const known =
    rpcbind?.kind === "ports"
      ? rpcbind.ports.filter(({ program, transport }) => program === programs.nfs && transport === "tcp")
      : [];
  const elsewhere = usualPort?.kind === "success" ? wellKnown.nfs : known.find((one) => one.port !== number)?.port;
  if (elsewhere !== undefined && !known.some((one) => one.port === number)) {
    return {
      id: "wrong-port",
      stage,
      because: `port ${number} of ${address} is not the server's: NFS answers on port ${elsewhere}`,
      change: isStated
        ? `write port=${elsewhere} in NFS_OPTIONS, or leave port= out`
        : `add port=${elsewhere} to NFS_OPTIONS`,
    };
  }
  return closedPort(
    facts,
    port,
    known.some((one) => one.port === number),
  );
}

/** What it means that a port cannot be connected to. */
function closedPort(
  { address, rpcbind }: AddressFacts,
  { port: number, errno, reason }: Extract<PortFact, { kind: "closed" }>,
  isRegistered: boolean,
): Found {
  const stage = stages.port;
  const itsHostAnswers = rpcbind !== undefined && (rpcbind.kind !== "no-answer" || rpcbind.errno === "ECONNREFUSED");
  switch (errno) {
    case "ECONNREFUSED":
      if (isRegistered) {
        return {
          id: "port-rejected",
          stage,
          because: `port ${number} of ${address} refuses connections although the server's rpcbind has NFS there, so a firewall rejects them`,
          change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
        };
      }
      return {
        id: "port-refused",
        stage,
        because: `nothing listens on port ${number} of ${address} (connection refused)`,
        change:
          "start the NFS server there (systemctl start nfs-server), or correct NFS_HOST, or let the port through a firewall that rejects it",
      };
    case "ETIMEDOUT":
      if (itsHostAnswers) {
        return {
          id: "port-dropped",
          stage,
          because: `port ${number} of ${address} gives no answer while its port 111 does, so a firewall drops the packets`,
          change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
        };
      }
      return {
        id: "host-silent",
        stage,
        because: `no packet comes back from ${address} (connection timed out), so a firewall drops them, or no server is there`,
        change: `check the address, that the server is up, and that TCP port ${number} passes every firewall on the way`,
      };
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
      return itsHostAnswers
        ? {
            id: "port-rejected",
            stage,
            because: `port ${number} of ${address} is unreachable while its port 111 is not, so a firewall rejects it`,
            change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
          }
        : {
            id: "host-unreachable",
            stage,
            because: `no machine answers at ${address} (no route to host)`,
            change: "check the address, and that the server is up and on this network",
          };
    default:
      return {
        id: "port-unusable",
        stage,
        because: `port ${number} of ${address} cannot be connected to (${reason}, ${errno})`,
        change: "check the firewall of this container and its host",
      };
  }
}

const networks: Readonly<Record<Engine, string>> = {
  docker: " (not network_mode: none or an internal network)",
  podman: " (not --network none or an internal network)",
  kubernetes: " (see the pod's network policies and, for a node's network, hostNetwork: true)",
  balena: " (network_mode: host reaches what the device reaches)",
  host: "",
};
