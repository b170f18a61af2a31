# nfs-init alone: an image of one file, for COPY --from=nfs-init /nfs-init /usr/local/bin/ in the Dockerfile of any base.
#
#   docker build -t nfs-init .
#   docker buildx build --platform linux/amd64,linux/arm64 -t nfs-init .
#
# Needs BuildKit, which docker build has had as its default since 23.0 (before: DOCKER_BUILDKIT=1).

# Where the executable comes from: "build" makes it here, "dist" takes what `npm run build:all` has left in dist.
ARG BINARY=build
# Debian's, since the build's tools are; it runs on the builder's own processor, whatever the image is for.
ARG NODE=node:26-bookworm-slim

FROM --platform=$BUILDPLATFORM ${NODE} AS tools
WORKDIR /nfs-init
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund

FROM tools AS build
ARG TARGETARCH
# The commit that --version names; .git is not part of the build: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=unknown
COPY tsconfig.json ./
COPY scripts scripts
COPY native native
COPY src src
# The cache keeps the engine, which is compiled once, and the C compilers, which come from Debian.
RUN --mount=type=cache,id=nfs-init-build,target=/nfs-init/.build,sharing=locked \
    name="linux-$(echo "$TARGETARCH" | sed s/amd64/x64/)" \
 && NFS_INIT_COMMIT="$REVISION" npm run build:all -- "$name" && mv "dist/nfs-init-$name" nfs-init

FROM scratch AS nfs-init-build
COPY --from=build /nfs-init/nfs-init /nfs-init

FROM scratch AS dist-amd64
COPY dist/nfs-init-linux-x64 /nfs-init
FROM scratch AS dist-arm64
COPY dist/nfs-init-linux-arm64 /nfs-init
FROM dist-${TARGETARCH} AS nfs-init-dist

# The one file, for every base: COPY --from=nfs-init /nfs-init /usr/local/bin/
FROM nfs-init-${BINARY} AS nfs-init
# So that docker exec and the probes of a pod find it by its name: there is no other directory.
ENV PATH=/
ENTRYPOINT ["/nfs-init"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="nfs-init" \
      org.opencontainers.image.description="Mounts NFS shares, then runs a process as its init and watches the shares" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
