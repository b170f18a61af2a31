// How doctor looks at EFS: as at NFS, with what can be changed at Amazon.
import type { KindDiagnosis } from "../diagnosis.ts";

const mountTarget =
  "check that the file system has a mount target here (aws efs describe-mount-targets), or add mounttargetip= with the address of one to the share's options";
const securityGroup =
  "let TCP port 2049 from this machine through the mount target's security group, and the network ACLs on the way";
const policy =
  "look at the file system's policy: where it asks for TLS, IAM or an access point, only Amazon's own mount helper (amazon-efs-utils) is let in; or at the modes of the directories";
const directory = "mount the file system without a path and make the directory, or correct the path in NFS_HOST_MOUNT";

export const efsDiagnosis: KindDiagnosis = {
  steps: "rpc",
  changes: {
    "name-unknown": `check the region, that the file system has a mount target in this VPC (in the zone, with az=), and that the VPC resolves names (enableDnsSupport, enableDnsHostnames); from elsewhere add mounttargetip= with the mount target's address to the share's options`,
    "name-server-silent":
      "check the nameserver lines of /etc/resolv.conf and the way to it, or add mounttargetip= with the mount target's address to the share's options",
    "name-unresolved": mountTarget,
    "no-route": "give the container a network that leads into the VPC of the mount target",
    "host-unreachable": mountTarget,
    "host-silent": securityGroup,
    "port-dropped": securityGroup,
    "port-rejected": securityGroup,
    "port-refused": mountTarget,
    "other-service": mountTarget,
    "path-missing": directory,
    "not-exported": directory,
    "path-forbidden": policy,
    "client-refused": policy,
    "server-refuses": policy,
  },
};
