/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM of two vCPUs with a GICv3 that is ready, for the tests of the vGIC's files:
 * what they share, without what is behind it. Include after vgic_irq.h and unit.h.
 */
#ifndef TESTS_UNIT_VGIC_WORLD_H
#define TESTS_UNIT_VGIC_WORLD_H

static struct arm64_vm *vm;
static struct arm64_vcpu *v[2];
static struct vgic *gic;

static void vgic_world_make(unsigned int nr_irqs)
{
	unsigned int i;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	gic = kzalloc(sizeof(*gic), GFP_KERNEL);
	raw_spin_lock_init(&gic->lock);
	gic->vm = vm;
	gic->nr_irqs = nr_irqs;
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = kzalloc(sizeof(*v[i]), GFP_KERNEL);
		v[i]->vcpu.vm = &vm->vm;
		v[i]->vcpu.index = i;
		v[i]->mpidr = MPIDR_RES1 | i;
		ck_assert_int_eq(vgic_vcpu_init(v[i]), 0);
		vgic_vcpu_reset(v[i]);
		vm->vm.vcpus[i] = &v[i]->vcpu;
	}
	atomic_set(&vm->vm.nr_vcpus, ARRAY_SIZE(v));
	ck_assert_int_eq(vgic_init(gic), 0);
	gic->ready = true;
	vm->gic = gic;
	vgic_reg_write(gic, NULL, 0, 4, VGIC_CTLR_GROUP1);
}

static void vgic_world_free(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		vgic_vcpu_free(v[i]);
		kfree(v[i]);
	}
	kvfree(gic->spi);
	kfree(gic);
	kfree(vm);
}

#endif
