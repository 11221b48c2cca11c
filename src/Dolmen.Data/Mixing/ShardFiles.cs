using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tables;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Data.Mixing;

/// <summary>Rows as Parquet files <c>00000.parquet</c> and on, cut where they hold enough text.</summary>
internal static class ShardFiles
{
    private const int GroupRows = 2000;
    private const long GroupBytes = 32L << 20;

    /// <returns>Names of the files.</returns>
    public static List<string> Write(
        string folder,
        RowCodec codec,
        IEnumerable<ReadOnlyMemory<byte>> rows,
        long shardBytes,
        Action<long> rowsDone,
        CancellationToken stop
    )
    {
        Directory.CreateDirectory(folder);
        var text = codec.Columns.ToList().FindIndex(c => c.Name == "text");
        var names = new List<string>();
        using var source = rows.GetEnumerator();
        long done = 0;
        for (var more = source.MoveNext(); more;)
        {
            var name = $"{names.Count:00000}.parquet";
            AtomicFile.Write(
                Path.Combine(folder, name),
                stream =>
                {
                    more = WriteShard(stream).GetAwaiter().GetResult();
                    BoundedStatistics.Apply(stream);
                }
            );
            names.Add(name);
        }
        return names;

        async Task<bool> WriteShard(Stream stream)
        {
            var options = new ParquetOptions
            {
                CompressionMethod = CompressionMethod.Zstd,
                CompressionLevel = System.IO.Compression.CompressionLevel.Optimal,
            };
            await using var writer = await ParquetWriter.CreateAsync(
                new ParquetSchema([.. codec.Columns.Select(c => c.Field)]),
                stream,
                options,
                cancellationToken: stop
            );
            long shard = 0;
            while (true)
            {
                stop.ThrowIfCancellationRequested();
                var group = new List<object?[]>();
                long bytes = 0;
                var left = true;
                while (left && group.Count < GroupRows && bytes < GroupBytes && shard + bytes < shardBytes)
                {
                    var row = Decode(source.Current);
                    group.Add(row);
                    bytes += Encoding.UTF8.GetByteCount(row[text] as string ?? "");
                    left = source.MoveNext();
                }
                using var output = writer.CreateRowGroup();
                for (var c = 0; c < codec.Columns.Count; c++) await Column(output, codec.Columns[c], group, c, stop);
                rowsDone(done += group.Count);
                shard += bytes;
                if (!left || shard >= shardBytes) return left;
            }
        }

        object?[] Decode(ReadOnlyMemory<byte> row)
        {
            using var reader = new BinaryReader(new MemoryStream(row.ToArray()), Encoding.UTF8);
            return codec.Read(reader);
        }
    }

    private static async Task Column(ParquetRowGroupWriter group, TableColumn column, List<object?[]> rows, int at, CancellationToken stop)
    {
        switch (column.Kind)
        {
            case ColumnKind.Text: await group.WriteAsync(column.Field, rows.ConvertAll(r => r[at] as string)!); break;
            case ColumnKind.Bytes: await group.WriteAsync(column.Field, rows.ConvertAll(r => r[at] as byte[])!); break;
            case ColumnKind.Boolean: await Values<bool>(); break;
            case ColumnKind.DateTime: await Values<DateTime>(); break;
            case ColumnKind.Int32: await Values<int>(); break;
            case ColumnKind.Int64: await Values<long>(); break;
            case ColumnKind.Single: await Values<float>(); break;
            default: await Values<double>(); break;
        }

        async Task Values<T>()
            where T : struct
        {
            if (column.Nullable) await group.WriteAsync<T>(column.Field, rows.Select(r => (T?)r[at]).ToArray(), cancellationToken: stop);
            else await group.WriteAsync<T>(column.Field, rows.Select(r => (T)(r[at] ?? default(T))).ToArray(), cancellationToken: stop);
        }
    }
}
