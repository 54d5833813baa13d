# One image for every process of the service; the command says which. Base images are named by tag: pin them by digest where
# builds must be the same for ever.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/ requirements/
# The wheel's own build tool comes from the lock as well: nothing without a hash gets in.
RUN python -m pip install --require-hashes -r requirements/dev.lock
RUN python -m venv --without-pip /opt/scaleops-worker \
 && python -m pip --python /opt/scaleops-worker/bin/python install --require-hashes --only-binary :all: -r requirements/runtime.lock
COPY . .
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/scaleops-worker/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}-slim
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/scaleops-worker
COPY --from=build /opt/scaleops-worker /opt/scaleops-worker
ENV PATH=/opt/scaleops-worker/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
# The root file system may be read-only; what is written goes to /tmp and here: .env, scaleops-worker.yaml and a SQLite file
# are looked for where the command is started.
WORKDIR /var/lib/scaleops-worker
EXPOSE 8080 9100
# For `standalone`; a container that runs one process only has a check of its own in compose.yaml and deploy/.
HEALTHCHECK --interval=5m --timeout=30s --start-period=15m --retries=2 CMD ["scaleops-worker", "status", "--check"]
ENTRYPOINT ["scaleops-worker"]
CMD ["standalone"]
