// SPDX-License-Identifier: MIT
#include "model.h"

enum { LOCKS = 3 }; /* that a pair of the baseline takes */

static double min(double a, double b)
{
	return a < b ? a : b;
}

static double max(double a, double b)
{
	return a > b ? a : b;
}

double curve_at(const struct curve *curve, double copies)
{
	unsigned i = 1;
	double slope;

	if (curve->nr < 2)
		return curve->nr ? curve->ns[0] : 0;
	while (i < curve->nr - 1 && copies > curve->copies[i])
		i++;
	slope = (curve->ns[i] - curve->ns[i - 1]) /
		(curve->copies[i] - curve->copies[i - 1]);
	return curve->ns[i - 1] + (copies - curve->copies[i - 1]) * slope;
}

double model_transfer(const struct model *model, unsigned sockets)
{
	double near = 1.0 / sockets;

	return model->costs.transfer *
	       (near + (1 - near) * model->assumptions.remote_factor);
}

/* What a copy costs more to zero when another CPU wrote it last. */
static double dirty_ns(const struct model *model, unsigned sockets)
{
	const struct costs *costs = &model->costs;

	return max(0, costs->zero_dirty - costs->zero_hot) *
	       model_transfer(model, sockets) / costs->transfer;
}

static double pcpu_moves_ns(const struct model *model, struct shape shape)
{
	if (shape.threads == 1)
		return 0;
	return model->counts.pcpu_moves * model_transfer(model, shape.sockets);
}

double model_pcpu_ns(const struct model *model, struct shape shape)
{
	return curve_at(&model->costs.pcpu, shape.copies) +
	       pcpu_moves_ns(model, shape);
}

double model_pcpu_ns_written(const struct model *model, struct shape shape)
{
	return model_pcpu_ns(model, shape) +
	       (shape.copies - 1) * dirty_ns(model, shape.sockets);
}

static double pcpu_rate(const struct model *model, struct shape shape,
			double ns)
{
	double serial = pcpu_moves_ns(model, shape);
	double rate = shape.threads / ns;

	return serial > 0 ? min(rate, 1 / serial) : rate;
}

double model_pcpu_rate(const struct model *model, struct shape shape)
{
	return pcpu_rate(model, shape, model_pcpu_ns(model, shape));
}

double model_pcpu_rate_written(const struct model *model, struct shape shape)
{
	return pcpu_rate(model, shape, model_pcpu_ns_written(model, shape));
}

/* Its pair without copies to zero, as one thread alone has it. */
static double sections_ns(const struct model *model)
{
	const struct costs *costs = &model->costs;

	return max(0, curve_at(&costs->baseline, 0) - costs->harness);
}

double model_baseline_serial_ns(const struct model *model, struct shape shape)
{
	double spinning, moves;

	if (shape.threads == 1)
		return sections_ns(model);
	spinning = min(shape.threads - 2, model->assumptions.spinners);
	moves = model->counts.baseline_moves + 1 + LOCKS * spinning / 2;
	return sections_ns(model) +
	       moves * model_transfer(model, shape.sockets);
}

double model_baseline_parallel_ns(const struct model *model, struct shape shape)
{
	double ns = curve_at(&model->costs.baseline, shape.copies) -
		    sections_ns(model);

	if (shape.threads == 1)
		return ns;
	return ns + shape.copies * dirty_ns(model, shape.sockets);
}

double model_baseline_rate(const struct model *model, struct shape shape)
{
	double serial = model_baseline_serial_ns(model, shape);
	double rate = shape.threads /
		      (serial + model_baseline_parallel_ns(model, shape));

	return serial > 0 ? min(rate, 1 / serial) : rate;
}
