"""A session every trading day from Airflow: the production notebook through PapermillOperator.

Read this before you trade with it:

- PapermillOperator calls papermill directly, without `momentum-kit run` around it. A task that is killed, times out or
  is cleared never runs the notebook's `finally`: the session goes on in its own process, with its stops at the broker,
  until its own end (`until`) or until the task `flat_at_the_end` below tells it to stop.
- For the same reason nobody restarts a kernel that dies, bounds its memory or its output, or writes the HTML report.
  Where that matters, replace the operator by a BashOperator with the `momentum-kit run` line of deploy/crontab: its
  exit status says how the session ended, and SIGTERM (which Airflow sends on kill) ends it in order.
- retries=0: a failed session is looked at, not started again blindly. catchup=False: yesterday is not traded today.
- The worker must be the machine that may trade, stay up from open to close, and have the kit in the worker's own
  environment. Celery's visibility_timeout and Airflow's execution_timeout must exceed a session.
- A run of the same day twice is refused by the engine's ownership of the account, not by Airflow alone: also across
  users, where `storage.state_dir` of the configuration names one folder for all of them.
"""

from datetime import timedelta

import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.providers.papermill.operators.papermill import PapermillOperator

PROJECT = "/srv/momentum"

with DAG(
    dag_id="momentum_kit_session",
    schedule="20 9 * * 1-5",
    start_date=pendulum.datetime(2026, 11, 23, tz="America/New_York"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 0, "depends_on_past": False},
) as dag:
    session = PapermillOperator(
        task_id="session",
        input_nb=f"{PROJECT}/notebooks/production.ipynb",
        output_nb=PROJECT + "/runs/airflow-{{ ds }}.ipynb",
        parameters={"config": f"{PROJECT}/config/paper.yaml", "until": "close-5m"},
        kernel_name="python3",
        execution_timeout=timedelta(hours=7, minutes=30),
    )
    flat_at_the_end = BashOperator(
        task_id="flat_at_the_end",
        bash_command=f"cd {PROJECT} && .venv/bin/momentum-kit stop --config config/paper.yaml || true",
        trigger_rule="all_done",  # also after a session task that failed or was killed
    )
    session >> flat_at_the_end
