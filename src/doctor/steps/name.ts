// The server's name.
import { type Check, fails, ok } from "../check.ts";
import type { Engine } from "../engine.ts";
import { questionOf } from "../../kinds/servers.ts";
import type { DoctorFacts, ShareFacts } from "../facts.ts";
import type { Found } from "../found.ts";

const serviceNames: Readonly<Record<Engine, string>> = {
  docker: "; a Compose service's name is known only on a network that both share, and while that service runs",
  podman: "; a container's name is known only on a network that both share",
  kubernetes:
    "; a Service of another namespace is SERVICE.NAMESPACE.svc, and with hostNetwork dnsPolicy must be ClusterFirstWithHostNet",
  balena: "; a service's name is known only without network_mode: host, with it use localhost or the device's address",
  host: "",
};

/** The name leads to no address that can be used. */
export function nameCause({ share, name }: ShareFacts, { engine }: DoctorFacts): Found | undefined {
  const { host } = questionOf(share);
  switch (name.kind) {
    case "no-region":
      return {
        id: "region-unknown",
        because: `${host} is no name yet: ${name.reason}`,
        change: name.hint ?? "name the region",
      };
    case "unknown":
      return {
        id: "name-unknown",
        because: `the name ${host} is not known here (${name.reason})`,
        change: `correct NFS_HOST, or give the server's address${serviceNames[engine]}`,
      };
    case "no-answer":
      return {
        id: "name-server-silent",
        because: `the name server does not answer when it is asked for ${host}`,
        change:
          "check the nameserver lines of /etc/resolv.conf and the way to it, or put the server's address into NFS_HOST",
      };
    case "failed":
      return {
        id: "name-unresolved",
        because: `the name ${host} cannot be resolved (${name.reason})`,
        change: "check /etc/resolv.conf and /etc/nsswitch.conf, or put the server's address into NFS_HOST",
      };
    case "wrong-family":
      return {
        id: "no-address-of-family",
        because: `${host} has no IPv${name.family} address (it has ${name.addresses.join(", ")}), which proto= in the options asks for`,
        change: "remove proto= from NFS_OPTIONS, or use tcp or tcp6 as fits the address",
      };
    case "resolved":
      return undefined;
  }
}

export function nameCheck({ share, name, addresses }: ShareFacts): Check {
  const { host } = questionOf(share);
  switch (name.kind) {
    case "resolved": {
      const all = addresses.map(({ address }) => address).join(", ");
      return ok("name", host === all ? `${host} is an address` : `${host} is ${all}`);
    }
    case "unknown":
    case "no-answer":
    case "failed":
    case "no-region":
      return fails("name", `${host}: ${name.reason}`, name.hint ?? "check NFS_HOST and /etc/resolv.conf");
    case "wrong-family":
      return fails(
        "name",
        `${host} has no IPv${name.family} address, which proto= asks for`,
        "remove proto= from NFS_OPTIONS",
      );
  }
}
