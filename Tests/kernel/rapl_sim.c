// SPDX-License-Identifier: GPL-2.0
/*
 * rapl_sim: RAPL registers made of memory, under the genuine driver.
 *
 * intel_rapl_common.ko turns registers into /sys/class/powercap and does not know how a register is reached: that is
 * the business of an "interface" (struct rapl_if_priv), on real machines intel_rapl_msr (MSRs) and processor_thermal
 * (MMIO). This module is such an interface whose registers are an array. Whatever a program sees in powercap is
 * therefore decided by the kernel's own code, and whatever "hardware" there is can be inspected and changed by a test.
 *
 * Simulated, and so no evidence about hardware:
 *  - the registers' contents (a two-socket server part);
 *  - the load: a package draws its demand or its cap at once, where hardware keeps a running average over a window;
 *  - a write to a locked register is dropped without an error, which the Intel SDM says of MSR_PKG_POWER_LIMIT.
 *
 * Layouts: Intel SDM volume 3, "Platform Specific Power Management Support", and the masks in
 * drivers/powercap/intel_rapl_common.c.
 *
 * Run-time controls, one directory per package: /sys/kernel/debug/rapl_sim/package-N/
 *   <register>     the raw register; writing it changes it behind the driver's back, locked or not, and is not counted
 *   demand_mw      what the load would draw if nothing capped it
 *   reads, writes  how often the driver came to the hardware, failed and dropped accesses included; writable
 *   counted_ns     the instant of the last access, up to which the counters are exact: read after a counter it gives
 *                  the time of that reading, so that a measured power is free of a shell's delays
 * beside them
 *   most_limit_mw  the greatest sum of both packages' long_term limits that a write of the driver's ever made; writable
 * and in /sys/module/rapl_sim/parameters/
 *   fail_read, fail_write  a bit mask of packages whose registers answer EIO
 *   kill_at_write          counts down at every write; the process that makes the last one dies in it, the write done
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/intel_rapl.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/version.h>

#define PACKAGES 2	/* as booted: -smp 2,sockets=2 */

static uint lock;
module_param(lock, uint, 0444);
MODULE_PARM_DESC(lock, "bit mask of packages whose limits the firmware has locked");
static uint psys;
module_param(psys, uint, 0444);
MODULE_PARM_DESC(psys, "bit mask of packages with a psys domain");
static bool pp0;
module_param(pp0, bool, 0444);
MODULE_PARM_DESC(pp0, "core domains");
static bool dram = true;
module_param(dram, bool, 0444);
MODULE_PARM_DESC(dram, "dram domains");
static bool mmio;
module_param(mmio, bool, 0444);
MODULE_PARM_DESC(mmio, "a second control type, intel-rapl-mmio, over the same packages");
static bool pl4;
module_param(pl4, bool, 0444);
MODULE_PARM_DESC(pl4, "a third limit, peak_power, on packages");
static bool max_power_zero;
module_param(max_power_zero, bool, 0444);
MODULE_PARM_DESC(max_power_zero, "firmware that fills in no power information");
static bool nolimit;
module_param(nolimit, bool, 0444);
MODULE_PARM_DESC(nolimit, "energy counters only, as on AMD");
static unsigned long long energy_start = 1000000000;
module_param(energy_start, ullong, 0444);
MODULE_PARM_DESC(energy_start, "first value of the energy counters, in uJ");
static uint demand_mw[PACKAGES] = { 100000, 100000 };
module_param_array(demand_mw, uint, NULL, 0444);
MODULE_PARM_DESC(demand_mw, "per package: power drawn when nothing caps it");
static uint min_mw = 30000;
module_param(min_mw, uint, 0444);
MODULE_PARM_DESC(min_mw, "power below which no cap can push a package (also in its information register)");
static uint fail_read;
module_param(fail_read, uint, 0644);
MODULE_PARM_DESC(fail_read, "bit mask of packages whose register reads fail");
static uint fail_write;
module_param(fail_write, uint, 0644);
MODULE_PARM_DESC(fail_write, "bit mask of packages whose register writes fail");
static uint kill_at_write;
module_param(kill_at_write, uint, 0644);
MODULE_PARM_DESC(kill_at_write, "the register write, counted from 1, in which its process dies by SIGKILL");
static bool tell;
module_param(tell, bool, 0444);
MODULE_PARM_DESC(tell, "the kernel's log has each long_term limit that comes into force: rig-limit package-N MILLIWATTS");

/* --- the registers of one package --- */

/* What a package holds. The driver gets these numbers as its opaque register addresses, in which 0 means absent. */
enum sim_reg {
	ABSENT,
	UNIT,
	LIMIT, STATUS, PERF, POLICY, INFO, PL4,
	MMIO_LIMIT,
	CORE_LIMIT, CORE_STATUS, CORE_POLICY,
	DRAM_LIMIT, DRAM_STATUS, DRAM_PERF, DRAM_INFO,
	PSYS_LIMIT, PSYS_STATUS,
	DEMAND_MW,	/* no register, but read and written by tests like one */
	REGS
};

#define WATTS(w)	((u64)(w) * 8)	/* the unit register below says 1/8 W */
#define MILLIWATTS(raw)	((u32)(raw) * 125)
#define POWER_MASK	0x7fffULL
#define PL1(w, window)	(WATTS(w) | BIT_ULL(15) | BIT_ULL(16) | (u64)(window) << 17)
#define PL2(w, window)	(WATTS(w) << 32 | BIT_ULL(47) | BIT_ULL(48) | (u64)(window) << 49)
#define LOCK_TWO	BIT_ULL(63)	/* the lock bit of a register with two limits, */
#define LOCK_ONE	BIT_ULL(31)	/* and of one with a single limit */

/*
 * A counter's unit as the driver computes it: integer nanojoules, 2^-14 J = 61035 nJ; dram on server parts 15.3 uJ
 * whatever the unit register says. Using the driver's rounding makes powercap agree with the simulated load exactly.
 */
static const struct {
	const char *name;
	u64 at_reset;
	u64 lock;
	u32 nj_per_count;
} registers[REGS] = {
	[UNIT]        = { "unit", 0xa0e03 },	/* 2^-3 W, 2^-14 J, 2^-10 s */
	[LIMIT]       = { "limit", PL1(150, 0x0a) | PL2(180, 0x23), .lock = LOCK_TWO },	/* 1 s and 10 ms, roughly */
	[STATUS]      = { "status", .nj_per_count = 61035 },
	[PERF]        = { "perf" },
	[POLICY]      = { "policy" },
	[INFO]        = { "info", WATTS(150) | WATTS(300) << 32 },	/* the minimum is added from min_mw */
	[PL4]         = { "pl4", WATTS(400), .lock = LOCK_ONE },
	[MMIO_LIMIT]  = { "mmio_limit", PL1(150, 0x0a) | PL2(180, 0x23), .lock = LOCK_TWO },
	[CORE_LIMIT]  = { "core_limit", .lock = LOCK_ONE },
	[CORE_STATUS] = { "core_status", .nj_per_count = 61035 },
	[CORE_POLICY] = { "core_policy" },
	[DRAM_LIMIT]  = { "dram_limit", .lock = LOCK_ONE },
	[DRAM_STATUS] = { "dram_status", .nj_per_count = 15300 },
	[DRAM_PERF]   = { "dram_perf" },
	[DRAM_INFO]   = { "dram_info", 330 /* 41.25 W */ },
	[PSYS_LIMIT]  = { "psys_limit", PL1(400, 0x0a) | PL2(500, 0x23), .lock = LOCK_TWO },
	[PSYS_STATUS] = { "psys_status", .nj_per_count = 61035 },
	[DEMAND_MW]   = { "demand_mw" },
};

static struct sim_package {
	spinlock_t guard;
	u64 reg[REGS];
	u64 energy_nj[REGS];	/* of each counter: finer than its register, and never wrapping */
	u64 counted_ns;
	u64 reads, writes;
	u32 drawn_mw;		/* with dram, since counted_ns */
} packages[PACKAGES];

static unsigned int number_of(const struct sim_package *p)
{
	return p - packages;
}

/* The driver takes a domain whose counter reads zero for absent. */
static bool domain_exists(const struct sim_package *p, enum sim_reg status)
{
	switch (status) {
	case CORE_STATUS: return pp0;
	case DRAM_STATUS: return dram;
	case PSYS_STATUS: return psys & BIT(number_of(p));
	default:          return true;
	}
}

static void set_counter(struct sim_package *p, enum sim_reg status, u64 energy_nj)
{
	p->energy_nj[status] = energy_nj;
	p->reg[status] = lower_32_bits(div_u64(energy_nj, registers[status].nj_per_count));
}

/*
 * The sum of both packages' long_term limits is looked at in every write, so that a test knows the most that it ever was:
 * a program that samples the registers would miss what lasts shorter than its pace.
 */
static DEFINE_SPINLOCK(most_guard);
static u32 most_limit_mw;

static void note_sum(void)
{
	unsigned long flags;
	u32 sum = 0;
	int i;

	spin_lock_irqsave(&most_guard, flags);
	for (i = 0; i < PACKAGES; i++)
		sum += MILLIWATTS(READ_ONCE(packages[i].reg[LIMIT]) & POWER_MASK);
	most_limit_mw = max(most_limit_mw, sum);
	spin_unlock_irqrestore(&most_guard, flags);
}

/* --- the load --- */

static u32 capped(u32 mw, u64 limit)
{
	if (limit & BIT_ULL(15))
		mw = min_t(u32, mw, MILLIWATTS(limit & POWER_MASK));
	if (limit & BIT_ULL(47))
		mw = min_t(u32, mw, MILLIWATTS(limit >> 32 & POWER_MASK));
	return mw;
}

static void spend(struct sim_package *p, enum sim_reg status, u32 mw, u64 ns)
{
	if (domain_exists(p, status))
		set_counter(p, status, p->energy_nj[status] + div_u64(mw * ns, 1000));
}

/*
 * Bring the counters up to now. Called before anything that depends on them or changes what is drawn, so that no timer
 * is needed. The package's share in core, dram's 10 W and the board's 20 W are inventions that only keep the relations:
 * core is part of package; dram is not; psys contains both.
 */
static void advance(struct sim_package *p)
{
	u64 now = ktime_get_ns(), ns = now - p->counted_ns;
	u32 demand = p->reg[DEMAND_MW];
	u32 package = max(capped(capped(demand, p->reg[LIMIT]), mmio ? p->reg[MMIO_LIMIT] : 0), min(demand, min_mw));
	u32 memory = dram ? capped(10000, p->reg[DRAM_LIMIT]) : 0;

	p->counted_ns = now;
	p->drawn_mw = package + memory;
	spend(p, STATUS, package, ns);
	spend(p, CORE_STATUS, package / 4 * 3, ns);
	spend(p, DRAM_STATUS, memory, ns);
	spend(p, PSYS_STATUS, package + memory + 20000, ns);
}

static void power_on(struct sim_package *p)
{
	bool locked = lock & BIT(number_of(p));
	enum sim_reg r;

	spin_lock_init(&p->guard);
	for (r = UNIT; r < REGS; r++) {
		p->reg[r] = registers[r].at_reset;
		if (registers[r].nj_per_count && domain_exists(p, r))
			set_counter(p, r, energy_start * 1000);
		if (locked && r != MMIO_LIMIT)	/* the MSRs; a test that wants mmio locked pokes its bit 63 */
			p->reg[r] |= registers[r].lock;
	}
	p->reg[INFO] |= (u64)(min_mw / 125) << 16;
	if (max_power_zero)
		p->reg[INFO] = p->reg[DRAM_INFO] = 0;
	p->reg[DEMAND_MW] = demand_mw[number_of(p)];
	p->counted_ns = ktime_get_ns();
}

u32 rapl_sim_drawn_mw(void);

/* What both packages draw, with their dram: for machine_sim. */
u32 rapl_sim_drawn_mw(void)
{
	unsigned long flags;
	u32 sum = 0;
	int i;

	for (i = 0; i < PACKAGES; i++) {
		spin_lock_irqsave(&packages[i].guard, flags);
		advance(&packages[i]);
		sum += packages[i].drawn_mw;
		spin_unlock_irqrestore(&packages[i].guard, flags);
	}
	return sum;
}
EXPORT_SYMBOL_GPL(rapl_sim_drawn_mw);

/* --- what the driver calls --- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define SET_ADDRESS(slot, number) ((slot).val = (number))
#define ADDRESS(slot) ((slot).val)
#define TWO_LIMITS (BIT(POWER_LIMIT1) | BIT(POWER_LIMIT2))
#define THREE_LIMITS (TWO_LIMITS | BIT(POWER_LIMIT4))
#define find_package(cpu, priv) rapl_find_package_domain_cpuslocked(cpu, priv, true)
#define add_package(cpu, priv) rapl_add_package_cpuslocked(cpu, priv, true)
#define remove_package(rp) rapl_remove_package_cpuslocked(rp)
#else
#define SET_ADDRESS(slot, number) ((slot) = (number))
#define ADDRESS(slot) (slot)
#define TWO_LIMITS 2
#define THREE_LIMITS 3
#define find_package(cpu, priv) rapl_find_package_domain(cpu, priv)
#define add_package(cpu, priv) rapl_add_package(cpu, priv)
#define remove_package(rp) rapl_remove_package(rp)
#endif

static struct sim_package *package_of(int cpu)
{
	return &packages[topology_physical_package_id(cpu)];
}

static int sim_read(int cpu, struct reg_action *ra)
{
	struct sim_package *p = package_of(cpu);
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&p->guard, flags);
	p->reads++;
	advance(p);
	if (fail_read & BIT(number_of(p)))
		err = -EIO;
	else
		ra->value = p->reg[ADDRESS(ra->reg)] & ra->mask;
	spin_unlock_irqrestore(&p->guard, flags);
	return err;
}

static int sim_write(int cpu, struct reg_action *ra)
{
	struct sim_package *p = package_of(cpu);
	enum sim_reg r = ADDRESS(ra->reg);
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&p->guard, flags);
	p->writes++;
	advance(p);
	if (fail_write & BIT(number_of(p)))
		err = -EIO;
	else if (!(p->reg[r] & registers[r].lock))
		p->reg[r] = (p->reg[r] & ~ra->mask) | ra->value;
	if (tell && r == LIMIT)
		pr_info("rig-limit package-%ld %lld\n", (long)number_of(p), (long long)MILLIWATTS(p->reg[r] & POWER_MASK));
	spin_unlock_irqrestore(&p->guard, flags);
	note_sum();
	if (kill_at_write && !--kill_at_write)
		send_sig(SIGKILL, current, 1);	/* the driver calls in the context of write(2), which is the last it does */
	return err;
}

/* --- the two interfaces --- */

static const u8 addresses[RAPL_DOMAIN_MAX][RAPL_DOMAIN_REG_MAX] = {
	[RAPL_DOMAIN_PACKAGE] = {
		[RAPL_DOMAIN_REG_LIMIT] = LIMIT, [RAPL_DOMAIN_REG_STATUS] = STATUS, [RAPL_DOMAIN_REG_PERF] = PERF,
		[RAPL_DOMAIN_REG_POLICY] = POLICY, [RAPL_DOMAIN_REG_INFO] = INFO, [RAPL_DOMAIN_REG_PL4] = PL4 },
	[RAPL_DOMAIN_PP0] = {
		[RAPL_DOMAIN_REG_LIMIT] = CORE_LIMIT, [RAPL_DOMAIN_REG_STATUS] = CORE_STATUS,
		[RAPL_DOMAIN_REG_POLICY] = CORE_POLICY },
	[RAPL_DOMAIN_DRAM] = {
		[RAPL_DOMAIN_REG_LIMIT] = DRAM_LIMIT, [RAPL_DOMAIN_REG_STATUS] = DRAM_STATUS,
		[RAPL_DOMAIN_REG_PERF] = DRAM_PERF, [RAPL_DOMAIN_REG_INFO] = DRAM_INFO },
	[RAPL_DOMAIN_PLATFORM] = {
		[RAPL_DOMAIN_REG_LIMIT] = PSYS_LIMIT, [RAPL_DOMAIN_REG_STATUS] = PSYS_STATUS },
};

static struct rapl_if_priv msr_interface = { .read_raw = sim_read, .write_raw = sim_write };
static struct rapl_if_priv mmio_interface = { .read_raw = sim_read, .write_raw = sim_write };
static struct rapl_if_priv *interfaces[] = { &msr_interface, &mmio_interface };

static void describe_interfaces(void)
{
	int d, r;

	SET_ADDRESS(msr_interface.reg_unit, UNIT);
	for (d = 0; d < RAPL_DOMAIN_MAX; d++)
		for (r = 0; r < RAPL_DOMAIN_REG_MAX; r++)
			/* With no limits there is nothing but the counter: on an AMD CPU the driver oopses when it finds PERF. */
			if (!nolimit || r == RAPL_DOMAIN_REG_STATUS)
				SET_ADDRESS(msr_interface.regs[d][r], addresses[d][r]);
	msr_interface.limits[RAPL_DOMAIN_PACKAGE] = pl4 ? THREE_LIMITS : TWO_LIMITS;
	msr_interface.limits[RAPL_DOMAIN_PLATFORM] = TWO_LIMITS;

	/* Another door to the same package: its own limit register, the same counter. */
	SET_ADDRESS(mmio_interface.reg_unit, UNIT);
	SET_ADDRESS(mmio_interface.regs[RAPL_DOMAIN_PACKAGE][RAPL_DOMAIN_REG_LIMIT], MMIO_LIMIT);
	SET_ADDRESS(mmio_interface.regs[RAPL_DOMAIN_PACKAGE][RAPL_DOMAIN_REG_STATUS], STATUS);
	SET_ADDRESS(mmio_interface.regs[RAPL_DOMAIN_PACKAGE][RAPL_DOMAIN_REG_INFO], INFO);
	mmio_interface.limits[RAPL_DOMAIN_PACKAGE] = TWO_LIMITS;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	msr_interface.type = RAPL_IF_MSR;
	mmio_interface.type = RAPL_IF_MMIO;
#endif
}

/* A package appears with its first CPU and goes with its last, as under intel_rapl_msr. */
static int cpu_leaves(unsigned int cpu)
{
	struct rapl_package *rp;
	int i;

	for (i = 0; i < ARRAY_SIZE(interfaces); i++) {
		if (!interfaces[i]->control_type)
			continue;
		rp = find_package(cpu, interfaces[i]);
		if (!rp)
			continue;
		cpumask_clear_cpu(cpu, &rp->cpumask);
		if (cpumask_empty(&rp->cpumask))
			remove_package(rp);
		else
			rp->lead_cpu = cpumask_first(&rp->cpumask);
	}
	return 0;
}

static int cpu_arrives(unsigned int cpu)
{
	struct rapl_package *rp;
	int i;

	for (i = 0; i < ARRAY_SIZE(interfaces); i++) {
		if (!interfaces[i]->control_type)
			continue;
		rp = find_package(cpu, interfaces[i]);
		if (!rp)
			rp = add_package(cpu, interfaces[i]);
		if (IS_ERR(rp)) {
			cpu_leaves(cpu);	/* hot-plug undoes the earlier CPUs, not the one that failed */
			return PTR_ERR(rp);
		}
		cpumask_set_cpu(cpu, &rp->cpumask);
	}
	return 0;
}

/* --- what a test sees --- */

static struct dentry *debug;

/* A debugfs file's data is one word; ours says which register of which package. */
static void *handle(const struct sim_package *p, enum sim_reg r)
{
	return (void *)(unsigned long)(number_of(p) * REGS + r);
}

static int peek(void *data, u64 *value)
{
	struct sim_package *p = &packages[(unsigned long)data / REGS];
	enum sim_reg r = (unsigned long)data % REGS;

	spin_lock_irq(&p->guard);
	advance(p);
	*value = p->reg[r];
	spin_unlock_irq(&p->guard);
	return 0;
}

static int poke(void *data, u64 value)
{
	struct sim_package *p = &packages[(unsigned long)data / REGS];
	enum sim_reg r = (unsigned long)data % REGS;

	spin_lock_irq(&p->guard);
	advance(p);
	if (registers[r].nj_per_count)
		set_counter(p, r, lower_32_bits(value) * (u64)registers[r].nj_per_count);
	else
		p->reg[r] = value;
	spin_unlock_irq(&p->guard);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(hexadecimal, peek, poke, "0x%016llx\n");
DEFINE_DEBUGFS_ATTRIBUTE(decimal, peek, poke, "%llu\n");

static void show_in_debugfs(struct sim_package *p)
{
	struct dentry *dir;
	char name[16];
	enum sim_reg r;

	snprintf(name, sizeof(name), "package-%u", number_of(p));
	dir = debugfs_create_dir(name, debug);
	for (r = UNIT; r < REGS; r++)
		debugfs_create_file_unsafe(registers[r].name, 0644, dir, handle(p, r),
					   r == DEMAND_MW ? &decimal : &hexadecimal);
	debugfs_create_u64("reads", 0644, dir, &p->reads);
	debugfs_create_u64("writes", 0644, dir, &p->writes);
	debugfs_create_u64("counted_ns", 0444, dir, &p->counted_ns);
}

/* --- coming and going --- */

static int hotplug_state;

static void forget(void)
{
	int i;

	debugfs_remove(debug);
	for (i = 0; i < ARRAY_SIZE(interfaces); i++)
		if (interfaces[i]->control_type)
			powercap_unregister_control_type(interfaces[i]->control_type);
}

static int __init rapl_sim_init(void)
{
	static const char * const names[] = { "intel-rapl", "intel-rapl-mmio" };
	struct powercap_control_type *type;
	int i, cpu;

	for_each_possible_cpu(cpu)
		if (topology_physical_package_id(cpu) >= PACKAGES)
			return -EINVAL;

	debug = debugfs_create_dir("rapl_sim", NULL);
	debugfs_create_u32("most_limit_mw", 0644, debug, &most_limit_mw);
	for (i = 0; i < PACKAGES; i++) {
		power_on(&packages[i]);
		show_in_debugfs(&packages[i]);
	}
	describe_interfaces();
	for (i = 0; i < (mmio ? 2 : 1); i++) {
		type = powercap_register_control_type(NULL, names[i], NULL);
		if (IS_ERR(type)) {
			forget();
			return PTR_ERR(type);
		}
		interfaces[i]->control_type = type;
	}
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rapl_sim:online", cpu_arrives, cpu_leaves);
	if (hotplug_state < 0) {
		forget();
		return hotplug_state;
	}
	return 0;
}
module_init(rapl_sim_init);

static void __exit rapl_sim_exit(void)
{
	cpuhp_remove_state(hotplug_state);	/* runs cpu_leaves for every CPU, and so removes the packages */
	forget();
}
module_exit(rapl_sim_exit);

MODULE_DESCRIPTION("Simulated RAPL registers for tests of powercap programs");
MODULE_LICENSE("GPL");
