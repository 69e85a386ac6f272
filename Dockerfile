# servicebay in a container: `docker build -t servicebay .`, then as an MCP client's command
#   docker run --rm -i -v servicebay:/data -e SHOP_TIMEZONE=America/New_York servicebay

FROM docker.io/library/rust:1-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked

FROM docker.io/library/debian:bookworm-slim
# For upstreams over HTTPS; time zones and the rest are in the program.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data servicebay \
    && install -d -o servicebay -g servicebay -m 0700 /data
COPY --from=build /source/target/release/servicebay /usr/local/bin/servicebay
USER servicebay
# The SQLite file; with a Postgres in DATABASE_URL nothing is written here.
VOLUME /data
ENV DATABASE_URL=sqlite:/data/servicebay.db
ENTRYPOINT ["servicebay"]
CMD ["serve"]
