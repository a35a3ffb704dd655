#!/bin/sh
# SPDX-License-Identifier: MIT
# access.sh BUILD: build access.c against the library in BUILD, with and without
# AddressSanitizer, and see that each wrong access is reported where it happens:
# by the tool, in access_here(), and by nothing else. The right ones must pass.
set -eu
build=$1
cd "$(dirname "$0")/../.."
out=$build/access
mkdir -p "$out"
libs='-lurcu-bp -lnuma -lpthread'
passed=0 failed=0
verdict() { # NAME, 0 for good
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1"
		cat "$out/log"
	fi
}
# RUNNER, what its report begins with, how it names the function
expect_report() {
	for what in behind before far freed left; do
		status=0
		PCPU_DEBUG=1 timeout 100 $1 $what >"$out/log" 2>&1 || status=$?
		good=1
		[ "$status" != 0 ] && grep -q "$2" "$out/log" &&
			grep -q "$3" "$out/log" && ! grep -q '^libpcpu:' "$out/log" && good=0
		verdict "$1 $what" $good
	done
	good=0
	PCPU_DEBUG=1 timeout 100 $1 right >"$out/log" 2>&1 || good=1
	grep -q '^done$' "$out/log" || good=1
	verdict "$1 right" $good
}
for cc in gcc clang; do
	for link in static shared; do
		case $link in
		static) lib=$build/libpcpu.a ;;
		shared) lib="-L$build -lpcpu -Wl,-rpath,$PWD/$build" ;;
		esac
		# shellcheck disable=SC2086
		$cc -g -O1 -fsanitize=address -Iinclude -o "$out/$cc-$link" \
			tests/debug/access.c $lib $libs
		expect_report "$out/$cc-$link" \
			'AddressSanitizer: use-after-poison' 'in access_here'
	done
done
# shellcheck disable=SC2086
${CC:-cc} -g -O1 -Iinclude -o "$out/plain" tests/debug/access.c \
	"$build/libpcpu.a" $libs
expect_report "valgrind -q --leak-check=no --error-exitcode=9 $out/plain" 'Invalid ' \
	'access_here'
echo "accesses: $passed passed, $failed failed"
[ "$failed" = 0 ]
