// SPDX-License-Identifier: GPL-2.0
/*
 * amdgpu_like: what a program sees of an AMD GPU's power limit, on a PCI device of QEMU's (edu, any number of them).
 *
 * Faithful to drivers/gpu/drm/amd/pm/amdgpu_pm.c (amdgpu_hwmon_show_power_cap_generic, amdgpu_hwmon_set_power_cap,
 * amdgpu_hwmon_get_power) and smu_set_power_limit in pm/swsmu/amdgpu_smu.c of Linux 6.1.192 and 6.12.117:
 *  - names, modes and the hwmon device's parent; microwatts, of which a limit keeps whole watts, cut off;
 *  - EINVAL above the greatest limit, since 6.7 also below the least, which 6.1 shows as 0; there 0 W means the present limit;
 *  - EPERM in a reset; a limit that can't be read is an empty line, a power that can't be read an error;
 *  - whatever is read or written resumes a runtime-suspended GPU first. From 6.16 a reader gets EPERM instead (no_wake).
 * The hwmon core, the PCI core and runtime power management are the kernel's own.
 *
 * Left out: everything else of a GPU; sleep of the whole system; SR-IOV; power2_* of Van Gogh; that the driver sets the
 * user's limit again after a reset. Simulated: the load, which draws its demand or its limit at once.
 *
 * /sys/kernel/debug/amdgpu_like/0000:00:NN.0/: demand_mw and limit_w (writable, as firmware would), reads, writes, resumes;
 * and the switches reset, fail_read, ignore_write and slow_ms, which is how long a write takes.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hwmon.h>
#include <linux/hwmon-sysfs.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

static uint min_w;
module_param(min_w, uint, 0444);
MODULE_PARM_DESC(min_w, "least limit, enforced; 0 is as before 6.7");
static uint max_w = 300;
module_param(max_w, uint, 0444);
MODULE_PARM_DESC(max_w, "greatest limit");
static uint default_w = 250;
module_param(default_w, uint, 0444);
MODULE_PARM_DESC(default_w, "limit at power-on");
static bool no_wake;
module_param(no_wake, bool, 0444);
MODULE_PARM_DESC(no_wake, "a suspended GPU answers readers with EPERM, as from 6.16 on");
static bool tell;
module_param(tell, bool, 0444);
MODULE_PARM_DESC(tell, "the kernel's log has each limit that comes into force: rig-limit DEVICE MILLIWATTS");

struct gpu {
	struct device *dev;
	struct dentry *debug;
	u32 limit_w, demand_mw, slow_ms;
	u32 reads, writes, resumes;
	bool reset, fail_read, ignore_write;
};

static struct dentry *debug;

static int enter(struct gpu *gpu, bool reads)
{
	int err;

	if (gpu->reset)
		return -EPERM;
	if (reads && no_wake && !pm_runtime_active(gpu->dev))
		return -EPERM;
	err = pm_runtime_get_sync(gpu->dev);
	if (err < 0)
		pm_runtime_put_autosuspend(gpu->dev);
	return min(err, 0);
}

static void leave(struct gpu *gpu)
{
	pm_runtime_mark_last_busy(gpu->dev);
	pm_runtime_put_autosuspend(gpu->dev);
}

static ssize_t power_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct gpu *gpu = dev_get_drvdata(dev);
	int err = enter(gpu, true);

	if (err)
		return err;
	gpu->reads++;
	leave(gpu);
	if (gpu->fail_read)
		return -ETIME;	/* the management firmware didn't answer */
	return sysfs_emit(text, "%u\n", min(gpu->demand_mw, gpu->limit_w * 1000) * 1000);
}

enum { LIMIT, MINIMUM, MAXIMUM, DEFAULT };

static ssize_t limit_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct gpu *gpu = dev_get_drvdata(dev);
	u32 watts[] = { [LIMIT] = gpu->limit_w, [MINIMUM] = min_w, [MAXIMUM] = max_w, [DEFAULT] = default_w };
	int err = enter(gpu, true);

	if (err)
		return err;
	gpu->reads++;
	leave(gpu);
	if (gpu->fail_read)
		return sysfs_emit(text, "\n");
	return sysfs_emit(text, "%u\n", watts[to_sensor_dev_attr(attr)->index] * 1000000);
}

static ssize_t limit_store(struct device *dev, struct device_attribute *attr, const char *text, size_t count)
{
	struct gpu *gpu = dev_get_drvdata(dev);
	u32 value;
	int err;

	if (gpu->reset)
		return -EPERM;
	err = kstrtou32(text, 10, &value);
	if (err)
		return err;
	value /= 1000000;
	err = enter(gpu, false);
	if (err)
		return err;
	msleep(gpu->slow_ms);
	gpu->writes++;
	if (value > max_w || value < min_w)
		err = -EINVAL;
	else if (value && !gpu->ignore_write)
		gpu->limit_w = value;
	if (tell)
		pr_info("rig-limit %s %u\n", dev_name(gpu->dev), gpu->limit_w * 1000);
	leave(gpu);
	return err ?: count;
}

static ssize_t power1_label_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "PPT\n");
}

static SENSOR_DEVICE_ATTR(power1_average, 0444, power_show, NULL, 0);
static SENSOR_DEVICE_ATTR(power1_cap, 0644, limit_show, limit_store, LIMIT);
static SENSOR_DEVICE_ATTR(power1_cap_min, 0444, limit_show, NULL, MINIMUM);
static SENSOR_DEVICE_ATTR(power1_cap_max, 0444, limit_show, NULL, MAXIMUM);
static SENSOR_DEVICE_ATTR(power1_cap_default, 0444, limit_show, NULL, DEFAULT);
static DEVICE_ATTR_RO(power1_label);

static struct attribute *amdgpu_attrs[] = {
	&sensor_dev_attr_power1_average.dev_attr.attr, &sensor_dev_attr_power1_cap.dev_attr.attr,
	&sensor_dev_attr_power1_cap_min.dev_attr.attr, &sensor_dev_attr_power1_cap_max.dev_attr.attr,
	&sensor_dev_attr_power1_cap_default.dev_attr.attr, &dev_attr_power1_label.attr, NULL
};
ATTRIBUTE_GROUPS(amdgpu);

static void tell_gone(void *dev)
{
	pr_info("rig-limit %s 0\n", dev_name(dev));
}

static int gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct gpu *gpu = devm_kzalloc(&pdev->dev, sizeof(*gpu), GFP_KERNEL);
	struct device *hwmon;

	if (!gpu)
		return -ENOMEM;
	gpu->dev = &pdev->dev;
	gpu->limit_w = default_w;
	pci_set_drvdata(pdev, gpu);
	if (tell) {
		pr_info("rig-limit %s %u\n", dev_name(gpu->dev), gpu->limit_w * 1000);
		/* behind the hwmon device's end, which waits for a write that is under way */
		if (devm_add_action_or_reset(gpu->dev, tell_gone, gpu->dev))
			return -ENOMEM;
	}
	hwmon = devm_hwmon_device_register_with_groups(gpu->dev, "amdgpu", gpu, amdgpu_groups);
	if (IS_ERR(hwmon))
		return PTR_ERR(hwmon);

	gpu->debug = debugfs_create_dir(pci_name(pdev), debug);
	debugfs_create_u32("limit_w", 0644, gpu->debug, &gpu->limit_w);
	debugfs_create_u32("demand_mw", 0644, gpu->debug, &gpu->demand_mw);
	debugfs_create_u32("slow_ms", 0644, gpu->debug, &gpu->slow_ms);
	debugfs_create_u32("reads", 0644, gpu->debug, &gpu->reads);
	debugfs_create_u32("writes", 0644, gpu->debug, &gpu->writes);
	debugfs_create_u32("resumes", 0644, gpu->debug, &gpu->resumes);
	debugfs_create_bool("reset", 0644, gpu->debug, &gpu->reset);
	debugfs_create_bool("fail_read", 0644, gpu->debug, &gpu->fail_read);
	debugfs_create_bool("ignore_write", 0644, gpu->debug, &gpu->ignore_write);

	/* User space decides by power/control whether it sleeps, as with amdgpu on a part that can. */
	pm_runtime_use_autosuspend(gpu->dev);
	pm_runtime_mark_last_busy(gpu->dev);
	pm_runtime_put_autosuspend(gpu->dev);	/* the PCI core took a reference for probing */
	return 0;
}

static void gpu_remove(struct pci_dev *pdev)
{
	struct gpu *gpu = pci_get_drvdata(pdev);

	pm_runtime_get_sync(gpu->dev);
	pm_runtime_dont_use_autosuspend(gpu->dev);
	debugfs_remove(gpu->debug);
}

static int gpu_suspend(struct device *dev)
{
	return pci_save_state(to_pci_dev(dev));	/* as amdgpu: the PCI core then leaves the device's state alone */
}

static int gpu_resume(struct device *dev)
{
	struct gpu *gpu = dev_get_drvdata(dev);

	gpu->resumes++;
	return 0;
}

static const struct dev_pm_ops gpu_pm = { SET_RUNTIME_PM_OPS(gpu_suspend, gpu_resume, NULL) };
static const struct pci_device_id gpu_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
static struct pci_driver gpu_driver = {
	.name = "amdgpu", .id_table = gpu_ids, .probe = gpu_probe, .remove = gpu_remove, .driver.pm = &gpu_pm,
};

static int __init amdgpu_like_init(void)
{
	int err;

	debug = debugfs_create_dir("amdgpu_like", NULL);
	err = pci_register_driver(&gpu_driver);
	if (err)
		debugfs_remove(debug);
	return err;
}
module_init(amdgpu_like_init);

static void __exit amdgpu_like_exit(void)
{
	pci_unregister_driver(&gpu_driver);
	debugfs_remove(debug);
}
module_exit(amdgpu_like_exit);

MODULE_DESCRIPTION("An AMD GPU's power limit, for tests of powercap programs");
MODULE_LICENSE("GPL");
