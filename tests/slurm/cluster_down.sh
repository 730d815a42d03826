#!/usr/bin/env bash
# Stop what cluster_up.sh started, each process by its pid file, and remove its state.
set -uo pipefail
STATE=${SLURM_TEST_STATE:-/var/lib/slurm-test}
RUN=/run/slurm-test
stop() { # pid file, name of the process
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  is() { [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; }
  if is "$2"; then
    kill -TERM "$pid"
    for _ in $(seq 100); do is "$2" || break; sleep 0.2; done
    is "$2" && kill -KILL "$pid"
  fi
  rm -f "$1"
}
# jobs first: what runs a job outlives its slurmd
if [ -s "$RUN/ctld/slurmctld.pid" ]; then
  jobs=$(timeout 20 squeue -h -t all -o '%A %T' 2>/dev/null | awk '/PENDING|RUNNING|COMPLETING/{print $1}')
  # shellcheck disable=SC2086
  [ -z "$jobs" ] || { timeout 20 scancel $jobs; sleep 4; }
fi
for file in "$RUN"/slurmd-*.pid; do stop "$file" slurmd; done
stop "$RUN/ctld/slurmctld.pid" slurmctld
stop /run/munge/slurm-test.pid munged
for group in /sys/fs/cgroup/*/slurm_n[0-9]*; do
  [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
done
rm -rf -- "$STATE" "$RUN"
[ -f /etc/slurm/slurm.conf.before-tests ] && mv /etc/slurm/slurm.conf.before-tests /etc/slurm/slurm.conf
exit 0
