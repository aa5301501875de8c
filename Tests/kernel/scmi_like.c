// SPDX-License-Identifier: GPL-2.0
/*
 * scmi_like: what a program sees of an Arm server's power limits, as control type arm-scmi of the genuine powercap_sys.
 *
 * Faithful to drivers/powercap/arm_scmi_powercap.c (scmi_powercap_normalize_cap) and drivers/firmware/arm_scmi/powercap.c
 * (scmi_powercap_cap_set, scmi_powercap_cap_enable_set) of Linux 6.12.117; the driver is there from 6.4 on:
 *  - nested zones with the firmware's names; power_uw and no energy; one constraint, "SCMI power-cap", blank and all;
 *  - a limit is rounded UP to milliwatts (where firmware counts in those: the scale), clamped to the zone's least and
 *    greatest, rounded DOWN to its step, and success says nothing of it; a result of 0, or below the least, is EINVAL;
 *  - disabling a zone is a limit of 0, and it then reads 0; a limit written to a disabled zone is kept until it is
 *    enabled, and that is all; the averaging interval is clamped and rounded likewise.
 * powercap_sys is the kernel's own.
 *
 * Left out: SCMI itself; firmware that ignores a request to disable. Simulated: the load, which draws its demand or its
 * limit at once, a parent the sum of its children.
 *
 * /sys/kernel/debug/scmi_like/ZONE/: limit, demand (in the zone's scale), writes, fail (EIO).
 */
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/powercap.h>

static struct scmi_zone {
	const char *name;
	int parent;	/* -1: none */
	bool in_milliwatts;
	u32 min, max, step;
	u32 min_window_us, max_window_us, window_step_us;
	struct powercap_zone zone;
	u32 limit, kept, demand, window_us, writes;
	bool fail;
} zones[] = {
	{ "SoC",      -1, true,  100000,   400000,    1000,    1000, 1000000, 1000 },
	{ "cluster0",  0, true,  20000,    200000,    500,     1000, 1000000, 1000 },
	{ "cluster1",  0, false, 20000000, 200000000, 250000,  1000, 1000000, 1000 },
};
#define ZONES ARRAY_SIZE(zones)

static struct powercap_control_type *control_type;
static struct dentry *debug;

static struct scmi_zone *of(struct powercap_zone *zone)
{
	return container_of(zone, struct scmi_zone, zone);
}

static u64 microwatts(const struct scmi_zone *z, u32 value)
{
	return z->in_milliwatts ? value * 1000ULL : value;
}

static u64 drawn(const struct scmi_zone *z)
{
	u64 sum = microwatts(z, z->demand), limit = microwatts(z, z->limit);
	int i;

	for (i = 0; i < ZONES; i++)
		if (zones[i].parent == z - zones)
			sum += drawn(&zones[i]);
	return z->limit ? min(sum, limit) : sum;
}

static int get_max_power_range_uw(struct powercap_zone *zone, u64 *value)
{
	*value = U32_MAX;
	return 0;
}

static int get_power_uw(struct powercap_zone *zone, u64 *value)
{
	*value = drawn(of(zone));
	return of(zone)->fail ? -EIO : 0;
}

static int get_enable(struct powercap_zone *zone, bool *value)
{
	*value = of(zone)->limit;
	return 0;
}

static int set_enable(struct powercap_zone *zone, bool value)
{
	struct scmi_zone *z = of(zone);

	z->limit = value ? z->kept : 0;
	return 0;
}

static int release(struct powercap_zone *zone)
{
	return 0;
}

static int set_power_limit_uw(struct powercap_zone *zone, int id, u64 value)
{
	struct scmi_zone *z = of(zone);
	u32 limit = clamp_t(u32, z->in_milliwatts ? DIV_ROUND_UP_ULL(value, 1000) : value, z->min, z->max);

	limit = rounddown(limit, z->step);
	z->writes++;
	if (limit < z->min)
		return -EINVAL;
	if (z->fail)
		return -EIO;
	if (z->limit)
		z->limit = limit;
	z->kept = limit;
	return 0;
}

static int get_power_limit_uw(struct powercap_zone *zone, int id, u64 *value)
{
	*value = microwatts(of(zone), of(zone)->limit);
	return of(zone)->fail ? -EIO : 0;
}

static int get_max_power_uw(struct powercap_zone *zone, int id, u64 *value)
{
	*value = microwatts(of(zone), of(zone)->max);
	return 0;
}

static int get_min_power_uw(struct powercap_zone *zone, int id, u64 *value)
{
	*value = microwatts(of(zone), of(zone)->min);
	return 0;
}

static int set_time_window_us(struct powercap_zone *zone, int id, u64 value)
{
	struct scmi_zone *z = of(zone);

	z->window_us = rounddown(clamp_t(u32, value, z->min_window_us, z->max_window_us), z->window_step_us);
	return 0;
}

static int get_time_window_us(struct powercap_zone *zone, int id, u64 *value)
{
	*value = of(zone)->window_us;
	return 0;
}

static int get_max_time_window_us(struct powercap_zone *zone, int id, u64 *value)
{
	*value = of(zone)->max_window_us;
	return 0;
}

static int get_min_time_window_us(struct powercap_zone *zone, int id, u64 *value)
{
	*value = of(zone)->min_window_us;
	return 0;
}

static const char *get_name(struct powercap_zone *zone, int id)
{
	return "SCMI power-cap";
}

static const struct powercap_zone_ops zone_ops = {
	.get_max_power_range_uw = get_max_power_range_uw, .get_power_uw = get_power_uw,
	.get_enable = get_enable, .set_enable = set_enable, .release = release,
};
static const struct powercap_zone_constraint_ops constraint_ops = {
	.set_power_limit_uw = set_power_limit_uw, .get_power_limit_uw = get_power_limit_uw,
	.get_max_power_uw = get_max_power_uw, .get_min_power_uw = get_min_power_uw,
	.set_time_window_us = set_time_window_us, .get_time_window_us = get_time_window_us,
	.get_max_time_window_us = get_max_time_window_us, .get_min_time_window_us = get_min_time_window_us,
	.get_name = get_name,
};

static void forget(int count)
{
	while (count--)	/* children come after their parents */
		powercap_unregister_zone(control_type, &zones[count].zone);
	powercap_unregister_control_type(control_type);
	debugfs_remove(debug);
}

static int __init scmi_like_init(void)
{
	struct powercap_zone *registered;
	struct dentry *dir;
	int i;

	control_type = powercap_register_control_type(NULL, "arm-scmi", NULL);
	if (IS_ERR(control_type))
		return PTR_ERR(control_type);
	debug = debugfs_create_dir("scmi_like", NULL);
	for (i = 0; i < ZONES; i++) {
		struct scmi_zone *z = &zones[i];

		z->limit = z->kept = z->max;
		z->window_us = z->min_window_us;
		registered = powercap_register_zone(&z->zone, control_type, z->name,
						    z->parent < 0 ? NULL : &zones[z->parent].zone, &zone_ops, 1, &constraint_ops);
		if (IS_ERR(registered)) {
			forget(i);
			return PTR_ERR(registered);
		}
		dir = debugfs_create_dir(z->name, debug);
		debugfs_create_u32("limit", 0644, dir, &z->limit);
		debugfs_create_u32("demand", 0644, dir, &z->demand);
		debugfs_create_u32("writes", 0644, dir, &z->writes);
		debugfs_create_bool("fail", 0644, dir, &z->fail);
	}
	return 0;
}
module_init(scmi_like_init);

static void __exit scmi_like_exit(void)
{
	forget(ZONES);
}
module_exit(scmi_like_exit);

MODULE_DESCRIPTION("Power limits of an Arm server, for tests of powercap programs");
MODULE_LICENSE("GPL");
