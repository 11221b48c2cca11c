using Parquet.Meta;

namespace Dolmen.Tables;

/// <summary>A page of a column of a row group, where it lies in the file.</summary>
/// <param name="Levels">Bytes in front that are never compressed.</param>
internal readonly record struct StoredPage(long At, int Header, int Stored, int Size, int Levels, bool IsPlain);

/// <summary>A column compressed with LZ4, given to the Parquet library as one that is not compressed: the library reads no LZ4.</summary>
internal static class Lz4Column
{
    /// <summary>Reads with the column's pages unfolded and its metadata changed to fit them; both are put back afterwards.</summary>
    /// <exception cref="InvalidDataException">A page is damaged.</exception>
    public static T Read<T>(ColumnStream stream, ColumnMetaData column, IReadOnlyList<StoredPage> pages, Func<T> read)
    {
        var (codec, size, data, dictionary) = (
            column.Codec,
            column.TotalCompressedSize,
            column.DataPageOffset,
            column.DictionaryPageOffset
        );
        var places = new Dictionary<long, long>();
        var unfolded = Unfold(stream, codec, pages, places);
        var start = stream.Length;
        try
        {
            column.Codec = CompressionCodec.UNCOMPRESSED;
            column.TotalCompressedSize = unfolded.Length;
            column.DataPageOffset = start + places.GetValueOrDefault(data);
            if (dictionary is > 0 and var at) column.DictionaryPageOffset = start + places.GetValueOrDefault(at);
            stream.Serve(unfolded, start);
            stream.Confine(start, start + unfolded.Length);
            return read();
        }
        finally
        {
            stream.Serve([], 0);
            (column.Codec, column.TotalCompressedSize, column.DataPageOffset, column.DictionaryPageOffset) = (
                codec,
                size,
                data,
                dictionary
            );
        }
    }

    private static byte[] Unfold(
        ColumnStream stream,
        CompressionCodec codec,
        IReadOnlyList<StoredPage> pages,
        Dictionary<long, long> places
    )
    {
        using var column = new MemoryStream();
        foreach (var page in pages)
        {
            places[page.At] = column.Length;
            var bytes = new byte[page.Header + page.Stored];
            stream.Position = page.At;
            stream.ReadExactly(bytes);
            WriteHeader(column, bytes.AsSpan(0, page.Header), page.IsPlain ? page.Stored : page.Size);
            var body = bytes.AsSpan(page.Header);
            column.Write(body[..page.Levels]);
            body = body[page.Levels..];
            if (page.IsPlain || page.Size == page.Levels)
            {
                if (page.IsPlain) column.Write(body);
                continue;
            }
            var values = new byte[page.Size - page.Levels];
            // The codec's first name was given to both ways.
            if (!(codec == CompressionCodec.LZ4 && Lz4Block.TryDecodeHadoop(body, values)) && !Lz4Block.TryDecode(body, values))
                throw new InvalidDataException($"The {codec} page at byte {page.At} is damaged, or is not a block of LZ4.");
            column.Write(values);
        }
        return column.ToArray();
    }

    /// <summary>The header with another length of what is stored: its third field, after the type and the unfolded length.</summary>
    private static void WriteHeader(Stream to, ReadOnlySpan<byte> header, int stored)
    {
        const byte NextInt32 = 0x15;                                     // of Thrift's compact protocol
        var at = 0;
        for (var field = 1; ; field++)
        {
            if (header[at] != NextInt32) throw new InvalidDataException("A page's header is not written as other programs write it.");
            var value = ++at;
            while (header[at++] >= 0x80)
            {
            }
            if (field < 3) continue;
            to.Write(header[..value]);
            for (var left = (uint)stored << 1; ; left >>= 7)
            {
                to.WriteByte((byte)(left < 0x80 ? left : left | 0x80));
                if (left < 0x80) break;
            }
            to.Write(header[at..]);
            return;
        }
    }
}
