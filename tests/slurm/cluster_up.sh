#!/usr/bin/env bash
# Start a real Slurm on this machine, for tests: one slurmctld, two slurmd, on loopback, without
# systemd and without accounting. Debian, as root. Stop it with cluster_down.sh.
set -euo pipefail

STATE=${SLURM_TEST_STATE:-/var/lib/slurm-test}
RUN=/run/slurm-test
CONF=/etc/slurm
NODES=2 CPUS=4
MEMORY=$(( ($(awk '/^MemTotal/{print int($2/1024)}' /proc/meminfo) - 1024) / NODES ))
HOST=$(hostname -s)

fail() { echo "cluster_up: $1" >&2; [ -s "${2:-}" ] && tail -n 15 "$2" >&2; exit 1; }
running() { [ "$(cat "/proc/$(cat "$1" 2>/dev/null)/comm" 2>/dev/null)" = "$2" ]; }
wait_for() { # seconds, command
  local rounds=$(( $1 * 5 )); shift
  while [ $rounds -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; rounds=$((rounds - 1)); done
  return 1
}
[ "$(id -u)" = 0 ] || fail "must run as root"

if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
  # the packages' services are not to start: this machine may have no systemd
  made=
  [ -e /usr/sbin/policy-rc.d ] || { made=1; printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge >/tmp/slurm-test-apt.log 2>&1 \
    || fail "apt-get could not install slurm-wlm and munge" /tmp/slurm-test-apt.log
  [ -z "$made" ] || rm -f /usr/sbin/policy-rc.d
fi
scontrol ping 2>/dev/null | grep -q UP && { echo "cluster_up: a Slurm runs here already"; exit 0; }

getent ahostsv4 "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >> /etc/hosts
install -d -m 755 "$STATE" "$RUN" "$CONF" "$STATE"/n{1..2}
install -d -m 755 -o slurm -g slurm "$STATE/ctld" "$RUN/ctld" "$STATE/log"
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
  install -d -m 700 -o munge -g munge /etc/munge "$STATE/munge"
  install -d -m 755 -o munge -g munge /run/munge
  if [ ! -s /etc/munge/munge.key ]; then
    (umask 077; head -c 128 /dev/urandom > /etc/munge/munge.key)
    chown munge:munge /etc/munge/munge.key
  fi
  chmod 755 "$STATE"
  runuser -u munge -- munged --pid-file=/run/munge/slurm-test.pid --log-file="$STATE/munge/munged.log" \
    --seed-file="$STATE/munge/seed" || fail "munged did not start" "$STATE/munge/munged.log"
  wait_for 10 sh -c 'munge -n | unmunge' || fail "munged does not answer"
fi

# the kernel ends a job over its memory, where version 1 control groups can be written;
# elsewhere Slurm looks every two seconds
limits="ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherParams=OverMemoryKill,UsePss"
if mkdir /sys/fs/cgroup/memory/probe.$$ 2>/dev/null; then
  rmdir /sys/fs/cgroup/memory/probe.$$
  limits="ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherParams=UsePss"
  printf '# written by cluster_up.sh\nCgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nConstrainRAMSpace=yes\n' > $CONF/cgroup.conf
fi
if [ -s $CONF/slurm.conf ] && ! grep -q 'cluster_up.sh' $CONF/slurm.conf; then
  cp -p $CONF/slurm.conf $CONF/slurm.conf.before-tests
fi
cat > $CONF/slurm.conf <<E2
# written by cluster_up.sh
ClusterName=tests
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=slurm
AuthType=auth/munge
CredType=cred/munge
MpiDefault=none
MailProg=/bin/true
SlurmctldPort=16827
StateSaveLocation=$STATE/ctld
SlurmctldPidFile=$RUN/ctld/slurmctld.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdSpoolDir=$STATE/%n
SlurmdPidFile=$RUN/slurmd-%n.pid
SlurmdLogFile=$STATE/slurmd-%n.log
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
$limits
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
EnforcePartLimits=ALL
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
KillWait=3
ReturnToService=2
# a node that is gone is noticed within seconds, not minutes
SlurmdTimeout=10
InactiveLimit=0
# so that Snakemake, not Slurm, sends the job of a lost node again
JobRequeue=0
MinJobAge=3600
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
E2
for i in $(seq 1 $NODES); do
  echo "NodeName=n$i NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((17100 + i)) CPUs=$CPUS Boards=1 SocketsPerBoard=1 CoresPerSocket=$CPUS ThreadsPerCore=1 RealMemory=$MEMORY State=UNKNOWN" >> $CONF/slurm.conf
done
echo "PartitionName=tests Nodes=ALL Default=YES MaxTime=1-00:00:00 DefaultTime=01:00:00 State=UP" >> $CONF/slurm.conf

slurmctld > "$STATE/slurmctld.out" 2>&1 || fail "slurmctld did not start" "$STATE/log/slurmctld.log"
for i in $(seq 1 $NODES); do
  slurmd -N "n$i" > "$STATE/slurmd-n$i.out" 2>&1 || fail "slurmd n$i did not start" "$STATE/slurmd-n$i.log"
done
ready() { [ "$(sinfo -h -N -o %T | grep -cE '^(idle|mixed|allocated)$')" = $NODES ]; }
if ! wait_for 30 ready; then
  for i in $(seq 1 $NODES); do scontrol update nodename="n$i" state=resume || true; done
  wait_for 15 ready || { sinfo -N -l >&2; fail "not all nodes came up" "$STATE/slurmd-n1.log"; }
fi
sinfo
