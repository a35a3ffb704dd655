// SPDX-License-Identifier: MIT
#include "machine.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void first_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	snprintf(text, size, "unknown");
	if (!file)
		return;
	if (fgets(text, (int)size, file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static void read_cpu(char *text, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(text, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = strstr(line, ": ");

		if (strncmp(line, "model name", 10) || !value)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%.*s", (int)size - 1, value + 2);
		break;
	}
	if (file)
		fclose(file);
}

void machine_read(struct machine *machine)
{
	time_t now = time(NULL);
	struct utsname uts;
	struct tm utc;

	read_cpu(machine->cpu, sizeof(machine->cpu));
	uname(&uts);
	snprintf(machine->kernel, sizeof(machine->kernel), "%.32s %.64s %.32s",
		 uts.sysname, uts.release, uts.machine);
	gmtime_r(&now, &utc);
	strftime(machine->date, sizeof(machine->date), "%Y-%m-%dT%H:%M:%SZ",
		 &utc);
	snprintf(machine->libc, sizeof(machine->libc), "glibc %s",
		 gnu_get_libc_version());
	first_line("/sys/kernel/mm/transparent_hugepage/enabled",
		   machine->huge_pages, sizeof(machine->huge_pages));
	first_line("/sys/devices/system/node/online", machine->nodes,
		   sizeof(machine->nodes));
	if (getloadavg(&machine->load, 1) != 1)
		machine->load = -1;
	machine->page_bytes = (unsigned)sysconf(_SC_PAGESIZE);
	machine->memory_mib = (size_t)sysconf(_SC_PHYS_PAGES) /
			      (1024 * 1024 / machine->page_bytes);
}
