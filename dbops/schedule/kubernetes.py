"""A Kubernetes CronJob, with the configuration and the secrets that it expects."""

from __future__ import annotations

from typing import Any

from dbops.schedule.base import File, Schedule
from dbops.schedule.yaml import dump

FOLDER = "/etc/dbops"
_HEAD = """\
# Made by: dbops schedule. It expects, in the same namespace:
#   kubectl create configmap dbops --from-file=dbops.toml
#   kubectl create secret generic dbops --from-literal=NAME=VALUE    (each ${NAME} of dbops.toml, AWS_ACCESS_KEY_ID …)
# The store must be one that outlives the pod: s3://, or a volume that you add for a file:// store.
"""


def cronjob(schedule: Schedule) -> list[File]:
    """`$(NAME)` in arguments would be replaced: it is doubled."""
    arguments = [text.replace("$(", "$$(") for text in schedule.argv]
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container: dict[str, Any] = {
        "name": "dbops",
        "image": schedule.image,
        "command": arguments[:1],
        "args": arguments[1:],
        "workingDir": "/work",
        "env": [
            {"name": "DBOPS_LOG_FORMAT", "value": "json"},
            {"name": "DBOPS_CONFIG", "value": f"{FOLDER}/dbops.toml"},
            {"name": "HOME", "value": "/work"},
            {"name": "TMPDIR", "value": "/work"},
        ],
        "envFrom": [{"secretRef": {"name": "dbops", "optional": True}}],
        "securityContext": security,
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
        "volumeMounts": [
            {"name": "configuration", "mountPath": FOLDER, "readOnly": True},
            {"name": "work", "mountPath": "/work"},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 300,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "configuration", "configMap": {"name": "dbops"}},
            {"name": "work", "emptyDir": {}},
        ],
    }
    document = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": schedule.name, "labels": {"app.kubernetes.io/name": "dbops"}},
        "spec": {
            "schedule": schedule.when.cron(),
            "timeZone": schedule.zone or "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 5,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 0,
                    "template": {"metadata": {"labels": {"app.kubernetes.io/name": "dbops"}}, "spec": pod},
                }
            },
        },
    }
    return [File(f"{schedule.name}.yaml", _HEAD + dump(document))]
