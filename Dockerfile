# The worker, the beat, the gateway and every command in one image. Build tools stay in the first stage.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/runtime.lock requirements/runtime.lock
RUN python -m venv /opt/scaleops-worker \
 && /opt/scaleops-worker/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY . .
RUN /opt/scaleops-worker/bin/pip wheel --no-cache-dir --no-deps -w /wheels . \
 && /opt/scaleops-worker/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home scaleops-worker && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/scaleops-worker /opt/scaleops-worker
ENV PATH=/opt/scaleops-worker/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080 9090
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s CMD ["scaleops-worker", "status"]
ENTRYPOINT ["scaleops-worker"]
CMD ["standalone"]
