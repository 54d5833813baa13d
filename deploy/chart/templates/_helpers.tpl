{{- define "scaleops-worker.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "scaleops-worker.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "scaleops-worker.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "scaleops-worker.selector" -}}
app.kubernetes.io/name: {{ include "scaleops-worker.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "scaleops-worker.labels" -}}
{{ include "scaleops-worker.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "scaleops-worker.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "scaleops-worker.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "scaleops-worker.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The name of the ConfigMap with scaleops-worker.yaml; empty without one. */}}
{{- define "scaleops-worker.config" -}}
{{- if .Values.config.configMap -}}
{{- .Values.config.configMap -}}
{{- else if .Values.config.content -}}
{{- include "scaleops-worker.fullname" . }}-config
{{- end -}}
{{- end -}}

{{- define "scaleops-worker.certificateFile" -}}
{{- if or .Values.certificates.configMap .Values.certificates.secret -}}
/etc/scaleops-worker/certificates/{{ .Values.certificates.key }}
{{- end -}}
{{- end -}}

{{- define "scaleops-worker.otlpPort" -}}
{{- $url := urlParse .Values.tracing.endpoint -}}
{{- $default := ternary "443" "80" (eq $url.scheme "https") -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $default -}}
{{- end -}}

{{/* True where SQLite is in a volume. */}}
{{- define "scaleops-worker.usesSqlite" -}}
{{- if and (eq .Values.mode "cronjob") .Values.cronjob.persistence.enabled -}}true{{- end -}}
{{- end -}}

{{- define "scaleops-worker.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Environment of every container. */}}
{{- define "scaleops-worker.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "scaleops-worker.fullname" . }}-settings
{{- if .Values.secrets.values }}
  - secretRef:
      name: {{ include "scaleops-worker.fullname" . }}-secrets
{{- end }}
{{- if .Values.externalSecret.enabled }}
  - secretRef:
      name: {{ include "scaleops-worker.fullname" . }}-external
{{- end }}
{{- range .Values.secrets.existing }}
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end -}}

{{- define "scaleops-worker.mounts" -}}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: data
    mountPath: /data
{{- if include "scaleops-worker.config" . }}
  - name: config
    mountPath: /etc/scaleops-worker/config
    readOnly: true
{{- end }}
{{- if include "scaleops-worker.certificateFile" . }}
  - name: certificates
    mountPath: /etc/scaleops-worker/certificates
    readOnly: true
{{- end }}
{{- if .Values.secrets.files }}
  - name: secrets
    mountPath: /etc/scaleops-worker/secrets
    readOnly: true
{{- end }}
{{- with .Values.pod.extraVolumeMounts }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{- define "scaleops-worker.volumes" -}}
volumes:
  - name: tmp
    emptyDir: {}
  - name: data
{{- if include "scaleops-worker.usesSqlite" . }}
    persistentVolumeClaim:
      claimName: {{ .Values.cronjob.persistence.existingClaim | default (printf "%s-data" (include "scaleops-worker.fullname" .)) }}
{{- else }}
    emptyDir: {}
{{- end }}
{{- with include "scaleops-worker.config" . }}
  - name: config
    configMap:
      name: {{ . }}
      items:
        - key: {{ $.Values.config.key }}
          path: scaleops-worker.yaml
{{- end }}
{{- if .Values.certificates.configMap }}
  - name: certificates
    configMap:
      name: {{ .Values.certificates.configMap }}
{{- else if .Values.certificates.secret }}
  - name: certificates
    secret:
      secretName: {{ .Values.certificates.secret }}
{{- end }}
{{- if .Values.secrets.files }}
  - name: secrets
    projected:
      sources:
{{- range .Values.secrets.files }}
        - secret:
            name: {{ .secret }}
            items:
              - key: {{ .key }}
                path: {{ .setting }}
{{- end }}
{{- end }}
{{- with .Values.pod.extraVolumes }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{/*
The template of a pod. Takes a dict: root, component, role, args, resources, and optionally env, ports, probes (lists and maps as
Kubernetes writes them), migrates (bool), restartPolicy.
*/}}
{{- define "scaleops-worker.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
metadata:
  labels:
{{ include "scaleops-worker.selector" $root | indent 4 }}
    app.kubernetes.io/component: {{ .component }}
    scaleops-worker/role: {{ .role }}
{{- with $values.pod.labels }}
{{ toYaml . | indent 4 }}
{{- end }}
  annotations:
    checksum/settings: {{ include (print $root.Template.BasePath "/settings.yaml") $root | sha256sum }}
{{- with $values.pod.annotations }}
{{ toYaml . | indent 4 }}
{{- end }}
spec:
  serviceAccountName: {{ include "scaleops-worker.serviceAccount" $root }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ $values.pod.terminationGracePeriodSeconds }}
{{- with .restartPolicy }}
  restartPolicy: {{ . }}
{{- end }}
{{- with $values.imagePullSecrets }}
  imagePullSecrets:
{{ toYaml . | indent 4 }}
{{- end }}
{{- with $values.pod.priorityClassName }}
  priorityClassName: {{ . }}
{{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ $values.pod.runAsUser }}
    runAsGroup: {{ $values.pod.runAsUser }}
    fsGroup: {{ $values.pod.runAsUser }}
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
{{- if and .migrates $values.migration.enabled }}
  initContainers:
    - name: migrate
      image: {{ include "scaleops-worker.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [migrate]
{{ include "scaleops-worker.environment" $root | indent 6 }}
{{- with include "scaleops-worker.env" $root | trim }}
      env:
{{ . | indent 8 }}
{{- end }}
      resources:
{{ toYaml $values.migration.resources | indent 8 }}
      securityContext:
{{ include "scaleops-worker.containerSecurity" $root | indent 8 }}
{{ include "scaleops-worker.mounts" $root | indent 6 }}
{{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "scaleops-worker.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
{{ toYaml .args | indent 8 }}
{{ include "scaleops-worker.environment" $root | indent 6 }}
{{- with printf "%s\n%s" (include "scaleops-worker.env" $root | trim) (.env | default list | toYaml | replace "[]" "") | trim }}
      env:
{{ . | indent 8 }}
{{- end }}
{{- with .ports }}
      ports:
{{ toYaml . | indent 8 }}
{{- end }}
{{- with .probes }}
{{ toYaml . | indent 6 }}
{{- end }}
      resources:
{{ toYaml .resources | indent 8 }}
      securityContext:
{{ include "scaleops-worker.containerSecurity" $root | indent 8 }}
{{ include "scaleops-worker.mounts" $root | indent 6 }}
{{ include "scaleops-worker.volumes" $root | indent 2 }}
{{- with $values.pod.nodeSelector }}
  nodeSelector:
{{ toYaml . | indent 4 }}
{{- end }}
{{- with $values.pod.tolerations }}
  tolerations:
{{ toYaml . | indent 4 }}
{{- end }}
{{- with $values.pod.affinity }}
  affinity:
{{ toYaml . | indent 4 }}
{{- end }}
{{- with $values.pod.topologySpreadConstraints }}
  topologySpreadConstraints:
{{ toYaml . | indent 4 }}
{{- end }}
{{- end -}}

{{/* Variables of every container, as a list. */}}
{{- define "scaleops-worker.env" -}}
{{- if include "scaleops-worker.usesSqlite" . }}
- name: DATABASE_URL
  value: sqlite:////data/scaleops-worker.db
{{- end }}
{{- if include "scaleops-worker.config" . }}
- name: WORKER_CONFIG_FILE
  value: /etc/scaleops-worker/config/scaleops-worker.yaml
{{- end }}
{{- with include "scaleops-worker.certificateFile" . }}
- name: SSL_CERT_FILE
  value: {{ . }}
{{- end }}
{{- range .Values.secrets.files }}
- name: {{ .setting }}_FILE
  value: /etc/scaleops-worker/secrets/{{ .setting }}
{{- end }}
{{- with .Values.tracing.endpoint }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $.Values.tracing.sampleRatio | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME)
{{- end }}
{{- with .Values.pod.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "scaleops-worker.validate" -}}
{{- $values := .Values -}}
{{- $hasSecrets := or $values.secrets.existing $values.secrets.files $values.secrets.values $values.externalSecret.enabled -}}
{{- if and (not (include "scaleops-worker.usesSqlite" .)) (not $hasSecrets) -}}
{{- fail "name the Secret with DATABASE_URL (and REDIS_URL, with mode: distributed) in secrets.existing, or set secrets.files, secrets.values or externalSecret" -}}
{{- end -}}
{{- if and $values.externalSecret.enabled (not $values.externalSecret.store.name) -}}
{{- fail "externalSecret.store.name: name the SecretStore or ClusterSecretStore" -}}
{{- end -}}
{{- if and $values.config.configMap $values.config.content -}}
{{- fail "config: set content or configMap, not both" -}}
{{- end -}}
{{- if and $values.certificates.configMap $values.certificates.secret -}}
{{- fail "certificates: set configMap or secret, not both" -}}
{{- end -}}
{{- if and $values.gateway.ingress.enabled (not $values.gateway.ingress.host) -}}
{{- fail "gateway.ingress.host: set the name under which people reach the gateway, and GATEWAY_PUBLIC_URL to its address" -}}
{{- end -}}
{{- if eq $values.mode "distributed" -}}
{{- $served := list -}}
{{- range $values.workers }}{{- $served = concat $served .queues -}}{{- end -}}
{{- range list "watch" "collect" "evaluate" "deliver" -}}
{{- if not (has . $served) -}}
{{- fail (printf "workers: no group serves the queue %s" .) -}}
{{- end -}}
{{- end -}}
{{- if ne (len $served) (len (uniq $served)) -}}
{{- fail "workers: a queue is in two groups" -}}
{{- end -}}
{{- end -}}
{{- end -}}
