using System.IO.Compression;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tables;

/// <summary>Rows to Parquet (zstd), a row group at a time. The same rows give the same bytes.</summary>
public sealed class TableWriter : IDisposable
{
    private const int GroupRows = 2000;
    private const long GroupChars = 16 << 20;

    private readonly DataField<string>[] _textFields;
    private readonly DataField<long?>[] _longFields;
    private readonly DataField<double>[] _numberFields;
    private readonly List<string>[] _texts;
    private readonly List<long?>[] _longs;
    private readonly List<double>[] _numbers;
    private readonly Stream _output;
    private readonly ParquetWriter _writer;
    private long _chars;
    private bool _closed;

    public TableWriter(
        Stream output,
        IReadOnlyList<string> texts,
        IReadOnlyList<string> longs,
        IReadOnlyList<string> numbers,
        bool small = true
    )
    {
        _textFields = [.. texts.Select(name => new DataField<string>(name))];
        _longFields = [.. longs.Select(name => new DataField<long?>(name))];
        _numberFields = [.. numbers.Select(name => new DataField<double>(name))];
        _texts = [.. texts.Select(_ => new List<string>())];
        _longs = [.. longs.Select(_ => new List<long?>())];
        _numbers = [.. numbers.Select(_ => new List<double>())];
        Field[] fields = [.. _textFields, .. _longFields, .. _numberFields];
        var options = new ParquetOptions
        {
            CompressionMethod = CompressionMethod.Zstd,
            CompressionLevel = small ? CompressionLevel.Optimal : CompressionLevel.Fastest,
        };
        _output = output;
        _writer = ParquetWriter.CreateAsync(new ParquetSchema(fields), output, options).GetAwaiter().GetResult();
    }

    public void Add(ReadOnlySpan<string> texts, ReadOnlySpan<long?> longs, ReadOnlySpan<double> numbers)
    {
        for (var i = 0; i < texts.Length; i++)
        {
            _texts[i].Add(texts[i]);
            _chars += texts[i].Length;
        }
        for (var i = 0; i < longs.Length; i++) _longs[i].Add(longs[i]);
        for (var i = 0; i < numbers.Length; i++) _numbers[i].Add(numbers[i]);
        if (_texts[0].Count >= GroupRows || _chars >= GroupChars) Flush();
    }

    /// <summary>Writes what is left and the footer; a table without rows is one too.</summary>
    public void Complete()
    {
        if (_texts[0].Count > 0) Flush();
        Dispose();
        BoundedStatistics.Apply(_output);
    }

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private void Flush()
    {
        using var group = _writer.CreateRowGroup();
        Write(group).GetAwaiter().GetResult();
        foreach (var column in _texts) column.Clear();
        foreach (var column in _longs) column.Clear();
        foreach (var column in _numbers) column.Clear();
        _chars = 0;
    }

    private async Task Write(ParquetRowGroupWriter group)
    {
        for (var i = 0; i < _texts.Length; i++) await group.WriteAsync(_textFields[i], _texts[i].ToArray());
        for (var i = 0; i < _longs.Length; i++) await group.WriteAsync<long>(_longFields[i], _longs[i].ToArray());
        for (var i = 0; i < _numbers.Length; i++) await group.WriteAsync<double>(_numberFields[i], _numbers[i].ToArray());
    }
}
