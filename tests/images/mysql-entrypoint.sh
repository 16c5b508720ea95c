#!/bin/bash
# Stands in for the entrypoint of the official mysql and mariadb images, as far as testcontainers and dbops use it.
# Variables, each as MYSQL_… or MARIADB_…: ROOT_PASSWORD or ALLOW_EMPTY_PASSWORD (one of them is needed), ROOT_HOST,
# DATABASE, USER, PASSWORD. Loads /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz}. Arguments that begin with a dash are
# the server's; anything else that is no server is run as it stands.
# As with the official images, ': ready for connections' is logged twice: by the server that sets things up, which
# listens on its socket only, and by the one that stays.
set -eo pipefail

for name in ROOT_PASSWORD ALLOW_EMPTY_PASSWORD ROOT_HOST DATABASE USER PASSWORD; do
  mysql=MYSQL_$name mariadb=MARIADB_$name
  [ -n "${!mysql}" ] || printf -v "$mysql" %s "${!mariadb}"
done
: "${MYSQL_ROOT_HOST:=%}"

if command -v mariadbd >/dev/null; then server=mariadbd client=mariadb; else server=mysqld client=mysql; fi
case "${1:-}" in
  mysqld | mariadbd) shift ;;
  "" | -*) ;;
  *) exec "$@" ;;
esac

data=/var/lib/mysql run=/run/mysqld
for argument in "$@"; do
  case "$argument" in --datadir=*) data=${argument#*=} ;; esac
done
options=(--no-defaults --datadir="$data" --socket=$run/mysqld.sock --pid-file=$run/mysqld.pid)
[ $server = mariadbd ] || options+=(--mysqlx=OFF)
if [ "$(id -u)" = 0 ]; then
  install -d -o mysql -g mysql $run "$data"
  options+=(--user=mysql)
fi

sql() { $client --no-defaults -uroot --socket=$run/mysqld.sock "$@"; }
quoted() { printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g"; }

make_data() {
  local as=(--no-defaults --datadir="$data")
  [ "$(id -u)" != 0 ] || as+=(--user=mysql)
  if [ $server = mariadbd ]; then
    mariadb-install-db "${as[@]}" --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve >/dev/null
  else
    # A data folder is born with some settings; the server would not start with others.
    for argument in "$@"; do
      case "$argument" in --lower[-_]case[-_]table[-_]names=* | --innodb[-_]page[-_]size=*) as+=("$argument") ;; esac
    done
    mysqld "${as[@]}" --initialize-insecure
  fi
}

accounts() {
  if [ $server = mariadbd ]; then # it comes with more accounts of root, which have no password
    echo "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost'); FLUSH PRIVILEGES;"
  fi
  if [ -n "$MYSQL_DATABASE" ]; then
    echo "CREATE DATABASE IF NOT EXISTS \`${MYSQL_DATABASE//\`/\`\`}\`;"
  fi
  if [ -n "$MYSQL_USER" ] && [ "$MYSQL_USER" != root ]; then
    echo "CREATE USER '$(quoted "$MYSQL_USER")'@'%' IDENTIFIED BY '$(quoted "$MYSQL_PASSWORD")';"
    if [ -n "$MYSQL_DATABASE" ]; then
      local pattern=${MYSQL_DATABASE//\`/\`\`}
      echo "GRANT ALL ON \`${pattern//_/\\_}\`.* TO '$(quoted "$MYSQL_USER")'@'%';"
    fi
  fi
  if [ "$MYSQL_ROOT_HOST" != localhost ]; then
    echo "CREATE USER 'root'@'$(quoted "$MYSQL_ROOT_HOST")' IDENTIFIED BY '$(quoted "$MYSQL_ROOT_PASSWORD")';"
    echo "GRANT ALL ON *.* TO 'root'@'$(quoted "$MYSQL_ROOT_HOST")' WITH GRANT OPTION;"
  fi
}

set_up() {
  make_data "$@"
  $server "${options[@]}" "$@" --skip-networking --socket=$run/mysqld.sock &
  local pid=$!
  until sql -e 'SELECT 1' >/dev/null 2>&1; do
    kill -0 $pid 2>/dev/null || { echo "the $server that sets things up has ended" >&2; exit 1; }
    sleep 0.1
  done
  accounts | sql
  local into=(${MYSQL_DATABASE:+"$MYSQL_DATABASE"}) file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) . "$file" ;;
      *.sql) sql "${into[@]}" <"$file" ;;
      *.sql.gz) gunzip -c "$file" | sql "${into[@]}" ;;
    esac
  done
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$(quoted "$MYSQL_ROOT_PASSWORD")';" | sql
  kill $pid
  wait $pid || true
}

if [ ! -d "$data/mysql" ]; then
  if [ -z "$MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD" ]; then
    echo 'MYSQL_ROOT_PASSWORD (or MYSQL_ALLOW_EMPTY_PASSWORD) must be set' >&2
    exit 1
  fi
  set_up "$@"
fi
exec $server "${options[@]}" --bind-address=0.0.0.0 --skip-name-resolve "$@"
