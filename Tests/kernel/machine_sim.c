// SPDX-License-Identifier: GPL-2.0
/*
 * machine_sim: a whole machine for ACPI's power meter to measure: rapl_sim's packages and dram, and a rest that nobody limits.
 *
 * Every 10 ms it tells the first meter of meters.asl what is drawn. Simulated, and so no evidence about hardware: supplies that lose
 * nothing, and a meter that averages over nothing.
 *
 * /sys/kernel/debug/machine_sim/: rest_mw, and most_mw, the most that was ever drawn together; both writable.
 */
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#define METER 0xff000000	/* DMND of the first meter in meters.asl */

u32 rapl_sim_drawn_mw(void);

static u32 __iomem *meter;
static u32 rest_mw = 60000, most_mw;
static struct dentry *debug;
static void measure(struct work_struct *work);
static DECLARE_DELAYED_WORK(measuring, measure);

static void measure(struct work_struct *work)
{
	u32 sum = rapl_sim_drawn_mw() + READ_ONCE(rest_mw);

	writel(sum, meter);
	most_mw = max(most_mw, sum);
	schedule_delayed_work(&measuring, msecs_to_jiffies(10));
}

static int __init machine_sim_init(void)
{
	meter = ioremap_cache(METER, sizeof(*meter));	/* as ACPI maps it: the two must agree */
	if (!meter)
		return -ENOMEM;
	debug = debugfs_create_dir("machine_sim", NULL);
	debugfs_create_u32("rest_mw", 0644, debug, &rest_mw);
	debugfs_create_u32("most_mw", 0644, debug, &most_mw);
	schedule_delayed_work(&measuring, 0);
	return 0;
}
module_init(machine_sim_init);

static void __exit machine_sim_exit(void)
{
	debugfs_remove(debug);
	cancel_delayed_work_sync(&measuring);
	iounmap(meter);
}
module_exit(machine_sim_exit);

MODULE_DESCRIPTION("A whole machine's power, for tests of powercap programs");
MODULE_LICENSE("GPL");
