using System.Buffers.Binary;
using CsCheck;
using Dolmen.Tests.Data.Fuzz;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tests.Tables;

/// <summary>Small Parquet files with columns of every type that is read, for each compression.</summary>
internal static class ParquetFile
{
    private const int Groups = 2, GroupRows = 25;

    public static async Task<byte[][]> All() =>
        [
            await Make(CompressionMethod.None),
            await Make(CompressionMethod.Snappy),
            await Make(CompressionMethod.Zstd),
            await Make(CompressionMethod.Gzip),
            await Make(CompressionMethod.Brotli),
        ];

    public static async Task<byte[]> Make(CompressionMethod compression)
    {
        DataField<string> text = new("text"), id = new("id"), language = new("language");
        DataField<long?> tokens = new("token_count");
        DataField<double> score = new("score");
        DataField<DateTime?> date = new("date");
        DataField<bool> flag = new("flag");
        DataField<byte[]> dump = new("dump");
        var options = new ParquetOptions { CompressionMethod = compression };
        using var output = new MemoryStream();
        await using (
            var writer = await ParquetWriter.CreateAsync(
                new ParquetSchema(text, id, language, tokens, score, date, flag, dump),
                output,
                options
            )
        )
        {
            for (var g = 0; g < Groups; g++)
            {
                using var group = writer.CreateRowGroup();
                int[] rows = [.. Enumerable.Range(g * GroupRows, GroupRows)];
                await group.WriteAsync(text, rows.Select(i => $"Stone {i} stands on the hill beside {i * 17 % 11} others.").ToArray());
                await group.WriteAsync(id, rows.Select(i => $"id-{i}").ToArray());
                await group.WriteAsync(language, rows.Select(i => i % 3 == 0 ? "en" : i % 3 == 1 ? "de" : null).ToArray());
                await group.WriteAsync<long>(tokens, rows.Select(i => i % 4 == 0 ? (long?)null : i * 1000L).ToArray());
                await group.WriteAsync<double>(score, rows.Select(i => i / 7.0).ToArray());
                await group.WriteAsync<DateTime>(date, rows.Select(i => (DateTime?)DateTime.UnixEpoch.AddHours(i)).ToArray());
                await group.WriteAsync<bool>(flag, rows.Select(i => i % 2 == 0).ToArray());
                await group.WriteAsync(dump, rows.Select(i => new byte[] { (byte)'d', (byte)('0' + i % 3) }).ToArray());
            }
        }
        return output.ToArray();
    }

    /// <summary>Damages all of a file, or its pages alone, so that a reader gets beyond the footer.</summary>
    public static byte[] Damaged(byte[][] files, PCG random)
    {
        var whole = files[random.Next((uint)files.Length)];
        var footer = Footer(whole);
        if (random.Next(2) == 0) return Damage.Of([whole], random);
        var pages = Damage.Of([whole[..footer]], random);
        Array.Resize(ref pages, footer);
        return [.. pages, .. whole[footer..]];
    }

    public static int Footer(byte[] file) => file.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(file.Length - 8));
}
