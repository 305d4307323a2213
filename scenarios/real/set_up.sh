#!/usr/bin/env bash
# Installs the released TensorFlow 1.12.0 (the wheel for CPython 2.7mu) and Debian's Python 2.7 into a folder, beside what the machine has.
#
#   set_up.sh [FOLDER]        then  FOLDER/python job.py ...
#
# The folder is ~/.cache/lastbatch/tensorflow-1.12.0 if none is named; tests look for it there. What is complete is left as it is.
# Needs a Debian 12 with apt, python3 with pip, dpkg. Writes below FOLDER only, and needs no root. Packages come from where the machine's
# own apt and pip are configured to find them.
set -euo pipefail

[ $# -le 1 ] || { echo "usage: set_up.sh [FOLDER]" >&2; exit 2; }
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/lastbatch/tensorflow-1.12.0}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ -e "$folder/complete" ]; then
    exit 0
fi
cd "$folder"
rm -rf apt debs wheels sources root site
mkdir -p apt/lists/partial apt/cache/archives/partial debs wheels sources root site

# Python 2.7 was last a part of Debian 11. The system's own lists stay as they are.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }' || true)
[ -n "$mirror" ] || { echo "set_up.sh: apt has no source on this machine, expected one in /etc/apt" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" > apt/sources.list
cat > apt/apt.conf <<END
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
END
export APT_CONFIG=$folder/apt/apt.conf
apt-get -qq update
(cd debs && apt-get -qq download python2.7-minimal libpython2.7-minimal python2.7 libpython2.7-stdlib libssl1.1 libffi7)
unset APT_CONFIG
for package in debs/*.deb; do
    dpkg -x "$package" root
done

# TensorFlow and what importing it needs, in the last versions that read Python 2.7.
get="python3 -m pip --disable-pip-version-check download -q --no-deps"
$get -d wheels --only-binary=:all: --platform manylinux1_x86_64 --python-version 27 --implementation cp --abi cp27mu \
    tensorflow==1.12.0 numpy==1.16.6 protobuf==3.17.3 six==1.16.0 enum34==1.1.10 mock==2.0.0 pbr==5.6.0 funcsigs==1.0.2 \
    backports.weakref==1.0.post1 Keras-Applications==1.0.6 Keras-Preprocessing==1.0.5 astor==0.8.1 setuptools==44.1.1
$get -d wheels --only-binary=:all: absl-py==0.12.0
$get -d sources --no-binary=:all: gast==0.2.2 termcolor==1.1.0
for wheel in wheels/*.whl; do
    python3 -m zipfile -e "$wheel" site
done
mv site/tensorflow-1.12.0.data/purelib/* site/
for source in sources/*.tar.gz; do
    tar xzf "$source" -C sources
done
cp -r sources/gast-0.2.2/gast sources/termcolor-1.1.0/termcolor.py site/
# Namespace packages: nothing reads .pth files here.
touch site/google/__init__.py site/backports/__init__.py

cat > python <<END
#!/bin/sh
export PYTHONHOME=$folder/root/usr PYTHONPATH=$folder/site PYTHONNOUSERSITE=1 OPENBLAS_NUM_THREADS=1
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
exec $folder/root/usr/bin/python2.7 -s "\$@"
END
chmod +x python
rm -rf apt debs wheels sources
TF_CPP_MIN_LOG_LEVEL=2 ./python -c 'import tensorflow as tf; assert tf.__version__ == "1.12.0", tf.__version__'
touch complete
