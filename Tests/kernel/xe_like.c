// SPDX-License-Identifier: GPL-2.0
/*
 * xe_like: what a program sees of an Intel GPU's power limits, on a PCI device of QEMU's (pci-testdev).
 *
 * Faithful to drivers/gpu/drm/xe/xe_hwmon.c (xe_hwmon_power_max_read, xe_hwmon_power_max_write) and, with name=i915, to
 * drivers/gpu/drm/i915/i915_hwmon.c (hwm_power_max_read, hwm_power_max_write) of Linux 6.12.117:
 *  - names, modes, channels: power1 is i915's only one; xe has power1 for the card and power2 for its package;
 *  - a limit is a register of 1/8 W, to the NEAREST of which a write is rounded; any value is accepted, and what is read
 *    is clamped to the part's minimum and maximum: success says nothing;
 *  - 0 disables the limit, and a disabled limit reads 0; where it can't be disabled (always_on), i915 says ENODEV and xe
 *    EOPNOTSUPP; setting a limit enables it.
 * The hwmon core is the kernel's own.
 *
 * Left out: power1_crit, power1_max_interval, voltages, currents, fans; runtime power management (both drivers resume a GPU
 * that is read; amdgpu_like has that); a GuC reset, in which i915 waits: slow_ms stands for it. Simulated: the load, which
 * draws its demand or the lower limit at once; the card draws what its package does.
 *
 * /sys/kernel/debug/xe_like/: power1_limit, power2_limit (1/8 W, bit 15 enables), demand_mw, writes, slow_ms.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hwmon.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#define LIMIT	GENMASK(14, 0)	/* PKG_PWR_LIM_1 */
#define ENABLE	BIT(15)		/* PKG_PWR_LIM_1_EN */
#define SHIFT	3		/* PKG_PWR_UNIT of the parts there are: 1/8 W */

static char *name = "xe";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "xe or i915");
static uint min_w = 60, max_w = 250, rated_w = 225;
module_param(min_w, uint, 0444);
module_param(max_w, uint, 0444);
module_param(rated_w, uint, 0444);
static bool always_on;
module_param(always_on, bool, 0444);
MODULE_PARM_DESC(always_on, "the limit can't be disabled");
static bool disabled;
module_param(disabled, bool, 0444);
MODULE_PARM_DESC(disabled, "no limit is enabled at power-on");
static bool tell;
module_param(tell, bool, 0444);
MODULE_PARM_DESC(tell, "the kernel's log has each limit of the card that comes into force: rig-limit xe MILLIWATTS");

static struct {
	struct mutex lock;
	u32 limit[2];
	u32 demand_mw, slow_ms, writes;
	u64 energy_uj, counted_ns;
	struct pci_dev *bound;
} gpu = { .lock = __MUTEX_INITIALIZER(gpu.lock) };

static bool is_i915(void)
{
	return !strcmp(name, "i915");
}

static long limit_read(int channel)
{
	u32 reg = gpu.limit[channel];

	if (!(reg & ENABLE))
		return 0;
	return clamp(FIELD_GET(LIMIT, reg) * 1000000L >> SHIFT, min_w * 1000000L, max_w * 1000000L);
}

static void advance(void)
{
	u64 now = ktime_get_ns();
	u32 mw = gpu.demand_mw;
	int i;

	for (i = 0; i < 2; i++)
		if (gpu.limit[i] & ENABLE)
			mw = min_t(u32, mw, limit_read(i) / 1000);
	gpu.energy_uj += div_u64(mw * (now - gpu.counted_ns), 1000000);
	gpu.counted_ns = now;
}

static int limit_write(int channel, long value)
{
	if (value == 0 && always_on)
		return is_i915() ? -ENODEV : -EOPNOTSUPP;
	if (value == 0)
		gpu.limit[channel] &= ~ENABLE;
	else
		gpu.limit[channel] = ENABLE | FIELD_PREP(LIMIT, DIV_ROUND_CLOSEST_ULL((u64)value << SHIFT, 1000000) & LIMIT);
	return 0;
}

static int gpu_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long *value)
{
	mutex_lock(&gpu.lock);
	advance();
	if (type == hwmon_energy)
		*value = gpu.energy_uj;
	else if (attr == hwmon_power_rated_max)
		*value = rated_w * 1000000L;
	else
		*value = limit_read(channel);
	mutex_unlock(&gpu.lock);
	return 0;
}

static int gpu_write(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long value)
{
	int err;

	mutex_lock(&gpu.lock);
	msleep(gpu.slow_ms);
	advance();
	gpu.writes++;
	err = limit_write(channel, value);
	if (tell)
		pr_info("rig-limit xe %lu\n", limit_read(0) / 1000);
	mutex_unlock(&gpu.lock);
	return err;
}

static int gpu_label(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, const char **text)
{
	*text = channel ? "pkg" : "card";
	return 0;
}

static umode_t gpu_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr, int channel)
{
	if (is_i915() && (channel || (type == hwmon_power ? attr == hwmon_power_label : attr == hwmon_energy_label)))
		return 0;
	return type == hwmon_power && attr == hwmon_power_max ? 0664 : 0444;
}

static const struct hwmon_ops gpu_ops = {
	.is_visible = gpu_is_visible, .read = gpu_read, .write = gpu_write, .read_string = gpu_label,
};
#define POWER	(HWMON_P_MAX | HWMON_P_RATED_MAX | HWMON_P_LABEL)
#define ENERGY	(HWMON_E_INPUT | HWMON_E_LABEL)
static const struct hwmon_channel_info *gpu_channels[] = {
	HWMON_CHANNEL_INFO(power, POWER, POWER), HWMON_CHANNEL_INFO(energy, ENERGY, ENERGY), NULL
};
static const struct hwmon_chip_info gpu_chip = { .ops = &gpu_ops, .info = gpu_channels };

static int gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (gpu.bound)
		return -EBUSY;	/* the registers above are those of one */
	gpu.bound = pdev;
	return PTR_ERR_OR_ZERO(devm_hwmon_device_register_with_info(&pdev->dev, name, &gpu, &gpu_chip, NULL));
}

static const struct pci_device_id gpu_ids[] = { { PCI_DEVICE(0x1b36, 0x0005) }, {} };
static struct pci_driver gpu_driver = { .name = "xe", .id_table = gpu_ids, .probe = gpu_probe };
static struct dentry *debug;

static int __init xe_like_init(void)
{
	int err;

	gpu.limit[0] = gpu.limit[1] = FIELD_PREP(LIMIT, rated_w << SHIFT) | (disabled ? 0 : ENABLE);
	gpu.counted_ns = ktime_get_ns();
	gpu_driver.name = name;	/* as a device's uevent has it */
	if (tell)
		pr_info("rig-limit xe %lu\n", limit_read(0) / 1000);
	debug = debugfs_create_dir("xe_like", NULL);
	debugfs_create_x32("power1_limit", 0644, debug, &gpu.limit[0]);
	debugfs_create_x32("power2_limit", 0644, debug, &gpu.limit[1]);
	debugfs_create_u32("demand_mw", 0644, debug, &gpu.demand_mw);
	debugfs_create_u32("writes", 0644, debug, &gpu.writes);
	debugfs_create_u32("slow_ms", 0644, debug, &gpu.slow_ms);
	err = pci_register_driver(&gpu_driver);
	if (err)
		debugfs_remove(debug);
	return err;
}
module_init(xe_like_init);

static void __exit xe_like_exit(void)
{
	pci_unregister_driver(&gpu_driver);
	debugfs_remove(debug);
}
module_exit(xe_like_exit);

MODULE_DESCRIPTION("An Intel GPU's power limits, for tests of powercap programs");
MODULE_LICENSE("GPL");
