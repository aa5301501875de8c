// SPDX-License-Identifier: GPL-2.0
/*
 * tpmi_sim: TPMI's RAPL registers made of memory, under the genuine intel_rapl_tpmi, intel_vsec_tpmi and intel_rapl_common of
 * Linux 6.12. Parts from Granite Rapids and Sierra Forest on have these registers and no MSRs for the same.
 *
 * intel_rapl_tpmi binds to an auxiliary device intel_vsec.tpmi-rapl for each package, which intel_vsec_tpmi makes from what it
 * finds on the PCI bus; here this module makes it. The registers lie in the memory of QEMU's pc-testdev, which the driver
 * maps as it would the hardware's.
 *
 * Layout: tpmi_rapl_register and parse_one_domain in drivers/powercap/intel_rapl_tpmi.c; masks TPMI_* in intel_rapl_common.c.
 *
 * Simulated: the contents (two packages of 350 W, psys at package 0); the load, which obeys a limit within 10 ms. Not here: that a
 * locked register drops what is written, for memory doesn't.
 *
 * /sys/kernel/debug/tpmi_sim/package-N/: pl1, pl2, pl4, psys, dram (whole registers), demand_mw.
 */
#include <linux/auxiliary_bus.h>
#include <linux/debugfs.h>
#include <linux/intel_tpmi.h>
#include <linux/intel_vsec.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#define PACKAGES 2
#define MEMORY 0xff001000	/* behind that of the power meters, meters.asl */
#define DOMAIN_BYTES 128

enum { HEADER, UNIT, PL1, PL2, PL3, PL4, RESERVED, ENERGY, PERF, INFO, DOMAIN_INFO };
enum { PACKAGE_DOMAIN, DRAM_DOMAIN, PSYS_DOMAIN, DOMAINS };

#define ENABLE		BIT_ULL(62)
#define POWER_MASK	0x3ffffULL
#define WATTS(w)	((u64)(w) * 8)
#define LIMIT(w)	(WATTS(w) | 0x0aULL << 18 | ENABLE)
#define HEAD(type, registers)	(1ULL | (u64)(type) << 8 | 1ULL << 16 | (u64)(registers) << 32)
#define ALWAYS		(BIT(UNIT) | BIT(ENERGY))

static const u64 at_reset[DOMAINS][DOMAIN_INFO + 1] = {
	[PACKAGE_DOMAIN] = {
		[HEADER] = HEAD(2, ALWAYS | BIT(PL1) | BIT(PL2) | BIT(PL4) | BIT(INFO)),
		[PL1] = LIMIT(350), [PL2] = LIMIT(420), [PL4] = WATTS(700) | ENABLE,
		[INFO] = WATTS(350) | WATTS(120) << 18 | WATTS(500) << 36 },
	[DRAM_DOMAIN] = {
		[HEADER] = HEAD(4, ALWAYS | BIT(PL1) | BIT(INFO)), [PL1] = LIMIT(60), [INFO] = WATTS(60) },
	[PSYS_DOMAIN] = {
		[HEADER] = HEAD(1, ALWAYS | BIT(PL1) | BIT(PL2) | BIT(DOMAIN_INFO)),
		[PL1] = LIMIT(900), [PL2] = LIMIT(1000), [DOMAIN_INFO] = 1 /* the root of its domains */ },
};

static struct package {
	struct intel_vsec_device vsec;
	struct intel_tpmi_plat_info info;
	struct resource memory;
	void __iomem *registers;
	u32 demand_mw;
	u64 energy_uj[DOMAINS];
} *packages[PACKAGES];

static struct dentry *debug;
static u64 counted_ns;
static void load(struct work_struct *work);
static DECLARE_DELAYED_WORK(loading, load);

static void __iomem *address(struct package *p, int domain, int reg)
{
	return p->registers + domain * DOMAIN_BYTES + reg * 8;
}

static u32 capped(struct package *p, u32 mw)
{
	int reg;

	for (reg = PL1; reg <= PL2; reg++) {
		u64 limit = readq(address(p, PACKAGE_DOMAIN, reg));

		if (limit & ENABLE)
			mw = min_t(u32, mw, (limit & POWER_MASK) * 125);
	}
	return mw;
}

static void count(struct package *p, int domain, u32 mw, u64 ns)
{
	p->energy_uj[domain] += div_u64(mw * ns, 1000000);
	/* 2^-14 J, of which the driver makes 61.035 uJ */
	writeq(lower_32_bits(div_u64(p->energy_uj[domain] * 1000, 61035)), address(p, domain, ENERGY));
}

static void load(struct work_struct *work)
{
	u64 now = ktime_get_ns(), ns = now - counted_ns;
	u32 board = 0;
	int i;

	for (i = 0; i < PACKAGES; i++) {
		u32 mw = capped(packages[i], packages[i]->demand_mw);

		count(packages[i], PACKAGE_DOMAIN, mw, ns);
		count(packages[i], DRAM_DOMAIN, 10000, ns);
		board += mw + 10000;
	}
	count(packages[0], PSYS_DOMAIN, board + 20000, ns);
	counted_ns = now;
	schedule_delayed_work(&loading, msecs_to_jiffies(10));
}

static void power_on(struct package *p, int number)
{
	int domain, reg;

	p->demand_mw = 200000;
	for (domain = 0; domain < (number ? PSYS_DOMAIN : DOMAINS); domain++) {
		for (reg = 0; reg < DOMAIN_BYTES / 8; reg++)
			writeq(reg <= DOMAIN_INFO ? at_reset[domain][reg] : 0, address(p, domain, reg));
		writeq(3 | 14 << 6 | 10 << 12, address(p, domain, UNIT));	/* 1/8 W, 2^-14 J, 2^-10 s */
		p->energy_uj[domain] = 1000000;	/* the driver takes a counter of zero for absent */
		count(p, domain, 0, 0);
	}
}

/* --- what a test sees --- */

static int peek(void *data, u64 *value)
{
	*value = readq(data);
	return 0;
}

static int poke(void *data, u64 value)
{
	writeq(value, data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(hexadecimal, peek, poke, "0x%016llx\n");

static void show_in_debugfs(struct package *p, int number)
{
	char name[16];
	struct dentry *dir;

	snprintf(name, sizeof(name), "package-%d", number);
	dir = debugfs_create_dir(name, debug);
	debugfs_create_u32("demand_mw", 0644, dir, &p->demand_mw);
	debugfs_create_file_unsafe("pl1", 0644, dir, (void __force *)address(p, PACKAGE_DOMAIN, PL1), &hexadecimal);
	debugfs_create_file_unsafe("pl2", 0644, dir, (void __force *)address(p, PACKAGE_DOMAIN, PL2), &hexadecimal);
	debugfs_create_file_unsafe("pl4", 0644, dir, (void __force *)address(p, PACKAGE_DOMAIN, PL4), &hexadecimal);
	debugfs_create_file_unsafe("dram", 0644, dir, (void __force *)address(p, DRAM_DOMAIN, PL1), &hexadecimal);
	if (number == 0)
		debugfs_create_file_unsafe("psys", 0644, dir, (void __force *)address(p, PSYS_DOMAIN, PL1), &hexadecimal);
}

/* --- coming and going --- */

static void gone(struct device *dev)
{
	struct package *p = container_of(dev_to_ivdev(dev), struct package, vsec);

	iounmap(p->registers);
	kfree(p);
}

static int arrive(int number)
{
	struct package *p = kzalloc(sizeof(*p), GFP_KERNEL);
	struct auxiliary_device *device;
	int err;

	if (!p)
		return -ENOMEM;
	p->memory = (struct resource)DEFINE_RES_MEM(MEMORY + number * PAGE_SIZE, (number ? PSYS_DOMAIN : DOMAINS) * DOMAIN_BYTES);
	p->registers = ioremap(p->memory.start, PAGE_SIZE);
	if (!p->registers) {
		kfree(p);
		return -ENOMEM;
	}
	power_on(p, number);
	p->info.package_id = number;
	p->vsec.resource = &p->memory;
	p->vsec.num_resources = 1;
	p->vsec.priv_data = &p->info;
	device = &p->vsec.auxdev;
	device->name = "tpmi-rapl";
	device->id = number;
	device->dev.parent = &platform_bus;
	device->dev.release = gone;
	err = auxiliary_device_init(device);
	if (err) {
		gone(&device->dev);
		return err;
	}
	err = __auxiliary_device_add(device, "intel_vsec");
	if (err) {
		auxiliary_device_uninit(device);
		return err;
	}
	packages[number] = p;
	show_in_debugfs(p, number);
	return 0;
}

static void leave(void)
{
	int i;

	cancel_delayed_work_sync(&loading);
	debugfs_remove(debug);
	for (i = 0; i < PACKAGES; i++)
		if (packages[i]) {
			auxiliary_device_delete(&packages[i]->vsec.auxdev);
			auxiliary_device_uninit(&packages[i]->vsec.auxdev);
		}
}

static int __init tpmi_sim_init(void)
{
	int i, err;

	debug = debugfs_create_dir("tpmi_sim", NULL);
	for (i = 0; i < PACKAGES; i++) {
		err = arrive(i);
		if (err) {
			leave();
			return err;
		}
	}
	counted_ns = ktime_get_ns();
	schedule_delayed_work(&loading, 0);
	return 0;
}
module_init(tpmi_sim_init);

static void __exit tpmi_sim_exit(void)
{
	leave();
}
module_exit(tpmi_sim_exit);

MODULE_DESCRIPTION("Simulated TPMI registers for tests of powercap programs");
MODULE_LICENSE("GPL");
