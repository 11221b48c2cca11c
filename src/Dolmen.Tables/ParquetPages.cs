using System.Buffers;
using Parquet.Meta;
using ZstdSharp;

namespace Dolmen.Tables;

/// <summary>Checks the pages of a column of a row group before a reader unfolds them: that they are within the file, that they hold as many
/// values as they should, and that none unfolds to more than it says or than may be.</summary>
internal sealed class ParquetPages
{
    private const int HeaderBytes = 4096;
    private const int MaxHeaderBytes = 32 << 20;
    // Old writers did not count the first page's header.
    private const int Slack = 128;
    private const long SureBytes = 64 << 20;
    private const int MaxRatio = 500;
    // Each value may repeat all of the one before.
    private const long MaxDeltaChars = 1 << 29;

    private readonly ColumnStream _stream;
    private readonly ColumnMetaData _column;
    private readonly long _end, _most;
    private readonly Dictionary<(string, int), long> _header = [];

    private ParquetPages(ColumnStream stream, ColumnMetaData column, long start, long end, long most)
    {
        (_stream, _column, Start, _most) = (stream, column, start, most);
        if (column.TotalCompressedSize < 0 || start < 4 || start >= end)
            throw Damaged($"it begins at byte {start}, outside the file");
        _end =
            (int)Math.Min(column.TotalCompressedSize, int.MaxValue - Slack) + Slack is var length && start + length < end
                ? start + length
                : end;
    }

    public long Start { get; }

    /// <summary>The pages of a column that the library cannot unpack; empty for other columns.</summary>
    public List<StoredPage> Unread { get; } = [];

    private bool IsLz4 => _column.Codec is CompressionCodec.LZ4 or CompressionCodec.LZ4_RAW;

    /// <summary>Whether values are stored once and named by number.</summary>
    public bool HasDictionary { get; private set; }

    /// <summary>Leaves the stream confined to the column.</summary>
    /// <param name="columnsEnd">Where the columns' bytes end in the file.</param>
    /// <param name="most">Bytes that the column may unfold to.</param>
    /// <exception cref="InvalidDataException">A reader would fail, or worse.</exception>
    public static ParquetPages Check(ColumnStream stream, ColumnMetaData column, long rows, long columnsEnd, long most)
    {
        var start = long.MaxValue;
        foreach (var offset in new[] { column.DataPageOffset, column.DictionaryPageOffset ?? 0, column.IndexPageOffset ?? 0 })
            if (offset != 0) start = Math.Min(start, offset);
        var pages = new ParquetPages(stream, column, start, columnsEnd, most);
        if (column.NumValues != rows) throw Damaged($"it has {column.NumValues} values in {rows} rows");
        if (column.Codec is CompressionCodec.LZO || !Enum.IsDefined(column.Codec))
            throw Damaged($"it is compressed with {column.Codec}, which Dolmen does not read. Write it with ZSTD, SNAPPY, LZ4 or GZIP");
        stream.Confine(pages.Start, pages._end);
        pages.Walk(rows);
        return pages;
    }

    private void Walk(long rows)
    {
        long values = 0, unfolded = 0, at = Start;
        for (var page = 0; values < rows; page++)
        {
            var header = Header(at);
            at += header;
            long size = Field("PageHeader", 2),
                stored = Field("PageHeader", 3);
            if (stored < 0 || stored > _end - at || size < 0)
                throw Damaged($"page {page} says that it has {stored} bytes, and {size} when unfolded");
            if ((unfolded += size) > _most || (unfolded > SureBytes && unfolded > MaxRatio * (at + stored - Start)))
                throw Damaged($"{at + stored - Start} bytes of it unfold to {unfolded}");
            var type = (PageType)Field("PageHeader", 1);
            values += Values(type, page, size);
            if (values > rows) throw Damaged($"its pages hold more than the {rows} values of the row group");
            Unfolded(type, at, (int)stored, size);
            if (IsLz4)
            {
                var isSecond = type == PageType.DATA_PAGE_V2;
                var levels = isSecond ? Field("DataPageV2", 5) + Field("DataPageV2", 6) : 0;
                if (levels > size)
                    throw Damaged($"a page of {size} bytes has {levels} bytes of levels");
                Unread.Add(
                    new StoredPage(
                        at - header,
                        header,
                        (int)stored,
                        (int)size,
                        (int)levels,
                        isSecond && _header.GetValueOrDefault(("DataPageV2", 7), 1) == 0
                    )
                );
            }
            at += stored;
        }
    }

    private long Values(PageType type, int page, long size)
    {
        switch (type)
        {
            case PageType.DICTIONARY_PAGE:
                if (HasDictionary || page > 0) throw Damaged("it has two dictionaries");
                HasDictionary = true;
                // The smallest value is a bit.
                if (Field("DictionaryPage", 1) is var entries && (entries < 0 || entries > size * 8))
                    throw Damaged($"{size} bytes of dictionary hold {entries} values");
                return 0;
            case PageType.DATA_PAGE or PageType.DATA_PAGE_V2:
                var name = type == PageType.DATA_PAGE ? "DataPage" : "DataPageV2";
                var values = Field(name, 1);
                if (values < 0) throw Damaged($"page {page} holds {values} values");
                if ((Encoding)Field(name, type == PageType.DATA_PAGE ? 2 : 4) == Encoding.DELTA_BYTE_ARRAY && values * size > MaxDeltaChars)
                    throw Damaged(
                        $"page {page} has {values} values in the encoding DELTA_BYTE_ARRAY, which may unfold without bound. Write it with "
                            + $"PLAIN or a dictionary"
                    );
                return values;
            default: throw Damaged($"page {page} is of type {type}");
        }
    }

    /// <summary>What the compressed bytes say themselves, which is what decompressors go by.</summary>
    private void Unfolded(PageType type, long at, int stored, long size)
    {
        // Those of the second version stand before what is compressed.
        var levels = type == PageType.DATA_PAGE_V2 ? Field("DataPageV2", 5) + Field("DataPageV2", 6) : 0;
        var isPlain = type == PageType.DATA_PAGE_V2 && _header.GetValueOrDefault(("DataPageV2", 7), 1) == 0;
        if (levels < 0 || levels > stored) throw Damaged($"a page of {stored} bytes has {levels} bytes of levels");
        if (_column.Codec == CompressionCodec.UNCOMPRESSED)
        {
            if (stored != size) throw Damaged($"a page of {stored} bytes, not compressed, has {size}");
            return;
        }
        if (_column.Codec is not (CompressionCodec.ZSTD or CompressionCodec.SNAPPY) || isPlain || stored == levels) return;
        var take = (int)(_column.Codec == CompressionCodec.ZSTD ? stored - levels : Math.Min(stored - levels, 5));
        var bytes = ArrayPool<byte>.Shared.Rent(take);
        try
        {
            _stream.Position = at + levels;
            _stream.ReadExactly(bytes, 0, take);
            var says =
                _column.Codec == CompressionCodec.ZSTD
                    ? Decompressor.GetDecompressedSize(bytes.AsSpan(0, take))
                    : Preamble(bytes.AsSpan(0, take));
            if (says > (ulong)size)
                throw Damaged($"a page says that it unfolds to {size} bytes and unfolds to {says}");
        }
        catch (ZstdException error)
        {
            throw Damaged($"a page is not in ZSTD: {error.Message}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static ulong Preamble(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] < 0x80) return value;
        }
        return ulong.MaxValue;
    }

    /// <summary>Reads a page's header, whose statistics make it as long as its longest value.</summary>
    private int Header(long at)
    {
        for (var window = HeaderBytes; ; window *= 8)
        {
            var take = (int)Math.Min(window, _end - at);
            var bytes = ArrayPool<byte>.Shared.Rent(take);
            try
            {
                _stream.Position = at;
                _stream.ReadExactly(bytes, 0, take);
                _header.Clear();
                var walk = new ThriftWalk(bytes.AsSpan(0, take), (structure, field, value) => _header[(structure, field)] = value);
                walk.Struct("PageHeader");
                return walk.At;
            }
            catch (EndOfStreamException) when (take == window && window < MaxHeaderBytes)
            {
                // The header is longer than what was read of it.
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }

    private long Field(string structure, int field) =>
        _header.TryGetValue((structure, field), out var value) ? value : throw Damaged($"a page's {structure} lacks field {field}");

    private static InvalidDataException Damaged(string what) => new($"One of its columns cannot be read: {what}.");
}
