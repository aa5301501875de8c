// SPDX-License-Identifier: GPL-2.0
/*
 * hsmp_like: what a program sees of the power limits of an AMD EPYC's sockets.
 *
 * Faithful to drivers/platform/x86/amd/hsmp/hwmon.c of Linux 6.16 (before that the driver has no power limit in sysfs):
 * name, files, modes, microwatts of which the mailbox gets whole milliwatts, cut off; EINVAL below 0; no least limit, no
 * limit at power-on to go back to; one hwmon device per socket, whose parent is its ACPI device AMDI0097:0N, bound to a driver
 * that is called hsmp_acpi, as acpi.c beside it is. The hwmon core is the kernel's own.
 *
 * Left out: the mailbox itself and its other messages; the devices are platform devices without ACPI. A guess, because the
 * processor's documents don't say it: that firmware takes a limit outside of [min_mw, max_mw] for the nearest inside
 * (clamps=0: takes it as it is). Simulated: the load, which draws its demand or its limit at once.
 *
 * /sys/kernel/debug/hsmp_like/socket-N/: limit_mw, demand_mw, sent_mw (what the mailbox last got), writes, fail (ETIMEDOUT).
 */
#include <linux/debugfs.h>
#include <linux/hwmon.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#define SOCKETS 2

static uint min_mw = 75000, max_mw = 360000;
module_param(min_mw, uint, 0444);
module_param(max_mw, uint, 0444);
static bool clamps = true;
module_param(clamps, bool, 0444);

static struct socket {
	struct platform_device *device;
	u32 limit_mw, demand_mw, sent_mw, writes;
	bool fail;
} sockets[SOCKETS];
static struct dentry *debug;

static int hsmp_write(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long value)
{
	struct socket *s = dev_get_drvdata(dev);

	if (value < 0)
		return -EINVAL;
	s->writes++;
	if (s->fail)
		return -ETIMEDOUT;
	s->sent_mw = value / 1000;
	s->limit_mw = clamps ? clamp(s->sent_mw, min_mw, max_mw) : s->sent_mw;
	return 0;
}

static int hsmp_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long *value)
{
	struct socket *s = dev_get_drvdata(dev);

	if (s->fail)
		return -ETIMEDOUT;
	switch (attr) {
	case hwmon_power_input:
		*value = min(s->demand_mw, s->limit_mw);
		break;
	case hwmon_power_cap:
		*value = s->limit_mw;
		break;
	default:
		*value = max_mw;
	}
	*value *= 1000;
	return 0;
}

static umode_t hsmp_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr, int channel)
{
	return attr == hwmon_power_cap ? 0644 : 0444;
}

static const struct hwmon_ops hsmp_ops = { .is_visible = hsmp_is_visible, .read = hsmp_read, .write = hsmp_write };
static const struct hwmon_channel_info *hsmp_channels[] = {
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_CAP | HWMON_P_CAP_MAX), NULL
};
static const struct hwmon_chip_info hsmp_chip = { .ops = &hsmp_ops, .info = hsmp_channels };

static int hsmp_probe(struct platform_device *device)
{
	struct socket *s = &sockets[platform_get_device_id(device)->driver_data];

	return PTR_ERR_OR_ZERO(devm_hwmon_device_register_with_info(&device->dev, "amd_hsmp_hwmon", s, &hsmp_chip, NULL));
}

static const struct platform_device_id hsmp_ids[SOCKETS + 1] = { { "AMDI0097:00", 0 }, { "AMDI0097:01", 1 } };
static struct platform_driver hsmp_driver = { .driver.name = "hsmp_acpi", .id_table = hsmp_ids, .probe = hsmp_probe };

static int power_on(struct socket *s, int number)
{
	char name[16];
	struct dentry *dir;

	s->limit_mw = max_mw;
	s->device = platform_device_register_simple(hsmp_ids[number].name, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(s->device))
		return PTR_ERR(s->device);
	snprintf(name, sizeof(name), "socket-%d", number);
	dir = debugfs_create_dir(name, debug);
	debugfs_create_u32("limit_mw", 0644, dir, &s->limit_mw);
	debugfs_create_u32("demand_mw", 0644, dir, &s->demand_mw);
	debugfs_create_u32("sent_mw", 0444, dir, &s->sent_mw);
	debugfs_create_u32("writes", 0644, dir, &s->writes);
	debugfs_create_bool("fail", 0644, dir, &s->fail);
	return 0;
}

static void power_off(int count)
{
	while (count--)
		platform_device_unregister(sockets[count].device);
	platform_driver_unregister(&hsmp_driver);
	debugfs_remove(debug);
}

static int __init hsmp_like_init(void)
{
	int i, err;

	err = platform_driver_register(&hsmp_driver);
	if (err)
		return err;
	debug = debugfs_create_dir("hsmp_like", NULL);
	for (i = 0; i < SOCKETS; i++) {
		err = power_on(&sockets[i], i);
		if (err) {
			power_off(i);
			return err;
		}
	}
	return 0;
}
module_init(hsmp_like_init);

static void __exit hsmp_like_exit(void)
{
	power_off(SOCKETS);
}
module_exit(hsmp_like_exit);

MODULE_DESCRIPTION("Power limits of AMD sockets, for tests of powercap programs");
MODULE_LICENSE("GPL");
