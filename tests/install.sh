#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh BUILD: install the build folder's libraries to a temporary place
# and use them as a stranger would, by pkg-config, from outside the tree. The
# environment has CC and MODEFLAGS, those that the library was built with.
# One line per check; the last one adds up.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:?usage: install.sh BUILD}
CC=${CC:-gcc} MODEFLAGS=${MODEFLAGS-}
make_var() {
	sed -n "s/^$1 := //p" GNUmakefile
}
VERSION=$(make_var VERSION) SOVERSION=$(make_var SOVERSION)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/usr
export VERSION SOVERSION
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
export LD_LIBRARY_PATH="$prefix/lib"
passed=0 failed=0
warn="-Wall -Wextra -Wundef -Wconversion -Wshadow -Werror"

# check SENTENCE COMMAND...: the command's output is shown if it fails.
check() {
	sentence=$1
	shift
	if "$@" >"$tmp/log" 2>&1; then
		passed=$((passed + 1))
		echo "  ok      $sentence"
	else
		failed=$((failed + 1))
		echo "  FAILED  $sentence"
		sed 's/^/          /' "$tmp/log"
	fi
}

# --- what is installed ------------------------------------------------------
run_install() { # DESTDIR PREFIX
	DESTDIR=$1 PREFIX=$2 LIBDIR=$2/lib tools/install "$build"
}

run_uninstall() { # DESTDIR PREFIX
	DESTDIR=$1 PREFIX=$2 LIBDIR=$2/lib tools/install -u "$build"
}

files_of() {
	(cd "$1" && find . ! -type d | sort)
}

staged_alike() {
	run_install "$tmp/stage" /usr || return 1
	files_of "$prefix" >"$tmp/direct"
	files_of "$tmp/stage/usr" >"$tmp/staged"
	diff "$tmp/direct" "$tmp/staged" &&
		! grep -r "$tmp" "$tmp/stage/usr/lib/pkgconfig"
}

gone() {
	run_uninstall "$tmp/stage" /usr && run_uninstall "" "$prefix" &&
		! find "$prefix" "$tmp/stage" ! -type d | grep . &&
		! find "$prefix" "$tmp/stage" -name '*pcpu*' | grep .
}

versions_match() {
	for module in pcpu pcpu-linux pcpu-linux-lib; do
		[ "$(pkg-config --modversion $module)" = "$VERSION" ] ||
			return 1
	done
}

soname() {
	readelf -d "$prefix/lib/libpcpu.so" |
		grep -F "soname: [libpcpu.so.$SOVERSION]"
}

# Names defined by a library, less those that the sanitizers add, and the two of
# musl's start files.
names() { # -D|-g FILE
	nm "$1" --defined-only "$2" | awk 'NF == 3 { print $3 }' |
		grep -Ev '^(__(asan|odr_asan|tsan|ubsan|sancov)|_(init|fini)$)' |
		sort -u
}

so_names() {
	names -D "$prefix/lib/libpcpu.so"
}

a_names() {
	names -g "$prefix/lib/libpcpu.a"
}

only_public() { # LISTER
	"$1" | grep -q '^libpcpu_alloc$' &&
		! "$1" | grep -Ev '^(lib)?pcpu_[a-z0-9_]+$'
}

all_declared() {
	for name in $(so_names); do
		grep -rqw "$name" "$prefix/include" || {
			echo "$name is in no header"
			return 1
		}
	done
}

# A program's own pcpu_alloc() takes the place of the library's, so the library
# itself must not call the latter.
no_self_calls() {
	! readelf -rW "$prefix/lib/libpcpu.so" | grep -w 'pcpu_[a-z0-9_]*'
}

# Where a thread's variables are found: see LIBPCPU_TLS.
tls_model() {
	case $CC in
	musl-*) wrong=_TPOFF ;;
	*) wrong=_DTPMOD ;;
	esac
	! readelf -rW "$prefix/lib/libpcpu.so" | grep $wrong
}

same_names() {
	so_names >"$tmp/so"
	a_names >"$tmp/a"
	diff "$tmp/so" "$tmp/a"
}

# --- programs ---------------------------------------------------------------
std_of() { # COMPILER
	case $1 in
	*++*) echo "-std=c++17 $warn -x c++" ;;
	*) echo "-std=c11 $warn -Wstrict-prototypes -x c" ;;
	esac
}

# A fully static program where the sanitizers permit one.
libs_of() { # shared|static MODULE
	if [ "$1" = shared ]; then
		pkg-config --libs "$2"
		return
	fi
	libs=$(pkg-config --static --libs "$2")
	case $MODEFLAGS in
	*-fsanitize*) echo "$libs" | sed 's/-lpcpu/-l:libpcpu.a/' ;;
	*) echo "-static $libs" ;;
	esac
}

# The word splitting of the flags is meant.
# shellcheck disable=SC2046,SC2086
build_and_run() { # COMPILER shared|static MODULE SOURCE [FLAGS]
	(
		cp "tests/install/$4" "$tmp" && cd "$tmp" &&
			$1 $MODEFLAGS ${5-} $(pkg-config --cflags "$3") \
				$(std_of "$1") "$4" -x none -o program \
				$(libs_of "$2" "$3") &&
			./program
	)
}

# A shared object and a program that is linked with it, each with variables.
# shellcheck disable=SC2046,SC2086
build_with_module() { # COMPILER
	(
		cp tests/install/module.[ch] tests/install/variables.c "$tmp" &&
			cd "$tmp" &&
			flags="$MODEFLAGS $(pkg-config --cflags pcpu-linux)" &&
			$1 $flags $(std_of "$1") -fPIC -shared module.c \
				-x none -o libmodule.so \
				$(libs_of shared pcpu-linux) &&
			$1 $flags -fPIE -pie $(std_of "$1") variables.c -x none \
				-o program -L. -lmodule -Wl,-rpath,. \
				$(libs_of shared pcpu-linux) &&
			./program
	)
}

# With PCPU_CONTEXT_DEFAULT(CHOICE) its context must be EXPECTED.
chooses() { # COMPILER shared|static CHOICE EXPECTED
	build_and_run "$1" "$2" pcpu context.c "-DCHOICE=$3 -DEXPECTED=$4"
}

obeyed() { # COMPILER shared|static
	chooses "$1" "$2" PCPU_CONTEXT_THREAD PCPU_CONTEXT_THREAD
}

overruled() { # COMPILER shared|static
	(export PCPU_CONTEXT=cpu &&
		chooses "$1" "$2" PCPU_CONTEXT_THREAD PCPU_CONTEXT_CPU)
}

refused() { # COMPILER shared|static
	chooses "$1" "$2" 3 PCPU_CONTEXT_CPU 2>"$tmp/said" &&
		grep -x 'libpcpu: PCPU_CONTEXT_DEFAULT: no such context; .*' \
			"$tmp/said"
}

# shellcheck disable=SC2046,SC2086
compiles() { # COMPILER MODULE HEADER
	echo "#include <$3>" >"$tmp/header.c"
	$1 $MODEFLAGS $(pkg-config --cflags "$2") $(std_of "$1") \
		-fsyntax-only "$tmp/header.c"
}

headers_compile() { # COMPILER
	(cd "$prefix/include" && find . -name '*.h') |
		sed 's,^\./,,; s,^pcpu-compat\(-lib\)*/,,' >"$tmp/headers"
	while read -r header; do
		compiles "$1" pcpu-linux-lib "$header" || return 1
	done <"$tmp/headers"
	[ -s "$tmp/headers" ]
}

# The names with the library's public prefix that the shim brings in are the
# kernel's own. The linker would not see a macro or an inline function.
# shellcheck disable=SC2046,SC2086
shim_names() {
	printf '#include <linux/%s.h>\n' percpu percpu-refcount \
		percpu_counter percpu-rwsem >"$tmp/header.c"
	flags=$(pkg-config --cflags pcpu-linux-lib)
	{
		$CC $flags $(std_of "$CC") -E -P "$tmp/header.c"
		$CC $flags $(std_of "$CC") -E -dM "$tmp/header.c" |
			awk '{ print $2 }'
	} | grep -ow 'pcpu_[A-Za-z0-9_]*' | sort -u >"$tmp/names"
	printf '%s\n' pcpu_alloc_noprof pcpu_alloc_size pcpu_nr_pages |
		diff - "$tmp/names"
}

shim_not_found() {
	! compiles "$CC" pcpu linux/percpu.h
}

lib_not_found() {
	for header in percpu-refcount percpu_counter percpu-rwsem; do
		! compiles "$CC" pcpu-linux "linux/$header.h" || return 1
	done
}

check_compiler() { # COMPILER
	if ! command -v "$1" >/dev/null; then
		echo "  skip    $1 is not installed"
		return
	fi
	check "each header compiles by itself with $1" headers_compile "$1"
	for link in shared static; do
		check "a program works, $link, $1" \
			build_and_run "$1" $link pcpu api.c
		check "a port with its own pcpu_alloc() works, $link, $1" \
			build_and_run "$1" $link pcpu-linux shim.c
		check "one with its own pcpu_ref_get() works, $link, $1" \
			build_and_run "$1" $link pcpu-linux-lib lib.c
		check "a program chooses its context, $link, $1" \
			obeyed "$1" $link
		check "the environment overrules it, $link, $1" \
			overruled "$1" $link
		check "a choice that is none is refused, $link, $1" \
			refused "$1" $link
	done
	check "static variables work across objects, $1" build_with_module "$1"
	check "both interfaces work in one program, $1" \
		build_and_run "$1" shared pcpu-linux both.c
	check "they do in the other order, $1" \
		build_and_run "$1" shared pcpu-linux both.c -DSHIM_FIRST
}

# Sanitizers want the compiler that built the library, and musl has but one.
compilers() {
	case "$CC $MODEFLAGS" in
	musl-*) echo "$CC" ;;
	*-fsanitize*)
		echo "$CC"
		echo "$CC" | sed 's/gcc/g++/; s/clang/clang++/'
		;;
	*) echo gcc clang g++ clang++ ;;
	esac
}

check "tools/install works" run_install "" "$prefix"
check "DESTDIR leads to the same files" staged_alike
check "pkg-config knows version $VERSION" versions_match
check "the soname is libpcpu.so.$SOVERSION" soname
check "the .so exports public names alone" only_public so_names
check "the .a defines public names alone" only_public a_names
check "the .so and the .a define the same names" same_names
check "every exported name is in a header" all_declared
check "the library calls no pcpu_ function of its own" no_self_calls
check "threads' variables are where the C library wants them" tls_model
check "<linux/percpu.h> is hidden from users of pcpu" shim_not_found
check "<linux/percpu_counter.h> is hidden from users of pcpu-linux" lib_not_found
check "<linux/percpu.h> and its like have the kernel's pcpu_ names alone" shim_names
for compiler in $(compilers); do
	check_compiler "$compiler"
done
check "uninstall leaves nothing behind" gone
echo "install: $passed passed, $failed failed"
[ "$failed" = 0 ]
