# Worker, beat, gateway and every command in one image. Build tools, pip included, stay in the first stage.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN python -m venv --without-pip /opt/scaleops-worker \
 && pip install --no-cache-dir --require-hashes -r requirements/build.lock \
 && pip --python /opt/scaleops-worker/bin/python install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY . .
# docker build --build-arg COMMIT=$(git rev-parse HEAD), also with `docker compose build`: what `scaleops-worker --version` says. The build context has no .git.
ARG COMMIT=
# Without isolation the build backend comes from build.lock; with it, pip would fetch one without a known hash.
RUN SCALEOPS_WORKER_COMMIT=$COMMIT pip wheel --no-index --no-deps --no-build-isolation -w /wheels . \
 && pip --python /opt/scaleops-worker/bin/python install --no-index --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN python -m pip uninstall -q -y --root-user-action=ignore setuptools wheel pip \
 && rm -rf /usr/local/lib/python3.11/ensurepip \
 && useradd --system --uid 10001 --no-create-home scaleops-worker \
 && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/scaleops-worker /opt/scaleops-worker
ARG COMMIT=
LABEL org.opencontainers.image.title=scaleops-worker \
      org.opencontainers.image.description="Weekly cost reports and alerts from ScaleOps, by Backstage owner" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.revision=$COMMIT
ENV PATH=/opt/scaleops-worker/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080 9090
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s CMD ["scaleops-worker", "status"]
ENTRYPOINT ["scaleops-worker"]
CMD ["standalone"]
