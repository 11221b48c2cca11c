// N looked-up positions, R rows of a table, D its width
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// Gradients of tables of which a step meets few rows. Autograd would make one as large as the table for every part of a batch; here it
/// gives only those of the rows that were looked up, and the sum, the norm and the optimizer go through these rows alone. Parts and
/// look-ups are added up in order, so results repeat.
/// </summary>
internal sealed unsafe class RowGradients : IDisposable
{
    private readonly Dictionary<string, Table> _tables = new(StringComparer.Ordinal);
    private readonly List<List<LookUp>> _parts = [[]];

    public bool IsEmpty => _tables.Count == 0;

    /// <summary>Registers a table of the flat array.</summary>
    public void Add(ParameterSpec spec, long offset) =>
        _tables.Add(spec.Name, new Table(offset, spec.Shape[1], new bool[spec.Shape[0]], []));

    /// <summary>Makes sure that each part of a batch has look-ups of its own.</summary>
    public void Divide(int parts)
    {
        while (_parts.Count < parts) _parts.Add([]);
    }

    public void Freeze(string table, bool frozen) => _tables[table].Frozen = frozen;

    /// <summary>The rows that have a gradient, in the order in which they were first met.</summary>
    public IReadOnlyList<int> Touched(string table) => _tables[table].Touched;

    /// <summary>The sum of one row of each table, (N, D) fp32: a leaf of the autograd graph where a table learns.</summary>
    /// <param name="rows">Of each table, (N).</param>
    /// <param name="weights">All of the model's, flat.</param>
    public Tensor LookUpSum(IReadOnlyList<(string Table, long[] Rows)> rows, Tensor weights)
    {
        using var scope = NewDisposeScope();
        Tensor sum;
        using (no_grad())
        {
            var first = _tables[rows[0].Table];
            sum = zeros(rows[0].Rows.Length, first.Width, device: weights.device);                              // (N, D)
            foreach (var (name, ids) in rows) sum.add_(_tables[name].Of(weights).index_select(0, tensor(ids, device: weights.device)));
        }
        var learning = rows.Where(entry => !_tables[entry.Table].Frozen).ToList();
        if (!is_grad_enabled() || learning.Count == 0) return sum.MoveToOuterDisposeScope();
        sum.requires_grad_(true);
        _parts[BatchParts.Current].Add(new LookUp(learning, sum.DetachFromDisposeScope()));
        return sum.alias().MoveToOuterDisposeScope();
    }

    /// <summary>Adds what the backward pass found to the flat sum, and forgets the look-ups.</summary>
    /// <param name="first">Begins a new sum.</param>
    /// <param name="host">Of the sum, where our kernels work on it in place.</param>
    public void Take(Tensor sum, float* host, bool first)
    {
        if (first) foreach (var table in _tables.Values) table.Clear(sum, host);
        List<LookUp> all = [.. _parts.SelectMany(part => part)];
        List<Tensor?> gradients = [.. all.Select(lookUp => lookUp.Sum.grad?.contiguous())];                      // (N, D) fp32 each
        if (host == null)
        {
            foreach (var (lookUp, gradient) in all.Zip(gradients))
                if (gradient is not null) foreach (var (name, rows) in lookUp.Rows) _tables[name].Add(rows, gradient, sum);
        }
        else
        {
            var tables = _tables.ToArray();
            OpenMpTeam.Shared.Run(tables.Length, OpenMpTeam.Threads, i =>
            {
                foreach (var (lookUp, gradient) in all.Zip(gradients))
                {
                    if (gradient is null) continue;
                    foreach (var (name, rows) in lookUp.Rows)
                        if (name == tables[i].Key) tables[i].Value.Add(rows, TensorMemory.Pointer<float>(gradient), host);
                }
            });
        }
        Forget();
    }

    /// <summary>What the last backward pass found for one table, before it is taken: (R, D).</summary>
    public float[] Untaken(string name)
    {
        var table = _tables[name];
        var all = new float[table.Met.Length * table.Width];
        foreach (var lookUp in _parts.SelectMany(part => part))
        {
            if (lookUp.Sum.grad is not { } gradient) continue;
            var values = gradient.cpu().contiguous().data<float>().ToArray();   // (N, D)
            foreach (var (_, rows) in lookUp.Rows.Where(entry => entry.Table == name))
            {
                for (var i = 0; i < rows.Length; i++)
                    for (var j = 0; j < table.Width; j++) all[rows[i] * table.Width + j] += values[i * table.Width + j];
            }
        }
        return all;
    }

    public double SumOfSquares(float* gradient) =>
        _tables.Values.Sum(table => GradientKernel.SumOfSquaresOfRows(gradient + table.Offset, table.Touched, table.Width));

    public void Dispose() => Forget();

    private void Forget()
    {
        foreach (var part in _parts)
        {
            foreach (var lookUp in part) lookUp.Sum.Dispose();
            part.Clear();
        }
    }

    /// <param name="Rows">Of each table that learns, (N).</param>
    /// <param name="Sum">Whose gradient is that of every one of the rows, (N, D).</param>
    private sealed record LookUp(IReadOnlyList<(string Table, long[] Rows)> Rows, Tensor Sum);

    /// <param name="Offset">Of the first element in the flat array.</param>
    /// <param name="Met">Whether a row is among <paramref name="Touched"/>.</param>
    private sealed record Table(long Offset, long Width, bool[] Met, List<int> Touched)
    {
        public bool Frozen { get; set; }

        public Tensor Of(Tensor flat) => flat.narrow(0, Offset, Met.Length * Width).view(Met.Length, Width);   // (R, D)

        public void Clear(Tensor sum, float* host)
        {
            if (host == null) Of(sum).zero_();
            foreach (var row in Touched)
            {
                if (host != null) new Span<float>(host + Offset + row * Width, (int)Width).Clear();
                Met[row] = false;
            }
            Touched.Clear();
        }

        public void Add(long[] rows, float* gradient, float* host)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                VectorMath.Add(host + Offset + rows[i] * Width, gradient + i * Width, (int)Width);
                Meet((int)rows[i]);
            }
        }

        public void Add(long[] rows, Tensor gradient, Tensor sum)
        {
            Of(sum).index_add_(0, tensor(rows, device: sum.device), gradient, 1);
            foreach (var row in rows) Meet((int)row);
        }

        private void Meet(int row)
        {
            if (Met[row]) return;
            Met[row] = true;
            Touched.Add(row);
        }
    }
}
