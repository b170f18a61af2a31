{{/*
What other charts put into their pods. Each takes a dict: image, and env with the variables of nfs-init by their names.

  initContainers:
    {{- include "nfs-init.gate" (dict "image" "registry.example.com/nfs-init:0.1.0" "env" (dict "NFS_HOST" "nas" "NFS_MOUNT_POINT" "/data")) | nindent 4 }}
*/}}

{{/* Variables as a list of name and value, every value a text. */}}
{{- define "nfs-init.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* An init container that ends once every share could be mounted. It needs no privilege. */}}
{{- define "nfs-init.gate" -}}
- name: {{ .name | default "nfs-wait" }}
  image: {{ required "image: the image of nfs-init" .image }}
  command: [nfs-init, wait]
  env:
    {{- include "nfs-init.env" (merge (dict) .env (dict "NFS_FSTAB" "none")) | trim | nindent 4 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65534
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
    seccompProfile:
      type: RuntimeDefault
{{- end }}

{{/*
An init container that stays (Kubernetes 1.29): it mounts, watches and heals for the containers that start after it. NFS_MOUNT_POINT lies
below /shares. The pod also has the volumes of nfs-init.volumes, and hostNetwork: a mount that the host sees must not belong to a network
that goes away with the pod.
*/}}
{{- define "nfs-init.sidecar" -}}
- name: {{ .name | default "nfs" }}
  image: {{ required "image: the image of nfs-init" .image }}
  restartPolicy: Always
  command: [nfs-init, sidecar]
  env:
    {{- include "nfs-init.env" (merge (dict) .env (dict "NFS_FSTAB" "none")) | trim | nindent 4 }}
  securityContext:
    # Kubernetes asks for it where a mount is to be seen outside the container.
    privileged: true
    readOnlyRootFilesystem: true
  # The application starts once the share is mounted, however long that takes.
  startupProbe:
    exec:
      command: [nfs-init, check, --ready]
    periodSeconds: 2
    timeoutSeconds: 3
    failureThreshold: 2147483647
  livenessProbe:
    exec:
      command: [nfs-init, check]
    periodSeconds: 10
    timeoutSeconds: 3
  volumeMounts:
    - name: nfs-init-shares
      mountPath: /shares
      mountPropagation: Bidirectional
    - name: nfs-init-state
      mountPath: /run/nfs-init
{{- end }}

{{/* What the application's container mounts to see the shares, at the same paths. */}}
{{- define "nfs-init.volumeMounts" -}}
- name: nfs-init-shares
  mountPath: /shares
  mountPropagation: HostToContainer
- name: nfs-init-state
  mountPath: /run/nfs-init
  readOnly: true
{{- end }}

{{/* The pod's volumes for both; takes a dict with `folder`, on the node, which no other pod there may have. */}}
{{- define "nfs-init.volumes" -}}
# Never an emptyDir: the kubelet deletes its content, through a mount that was left there.
- name: nfs-init-shares
  hostPath:
    path: {{ required "folder: a folder of the node for the shares" .folder }}
    type: DirectoryOrCreate
- name: nfs-init-state
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
{{- end }}
