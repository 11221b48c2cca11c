using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Data.Inputs;
using Dolmen.Tables;

namespace Dolmen.Data.Sources;

/// <summary>Comma- or tab-separated values whose first line names the columns, one of them <c>text</c> or what
/// <see cref="ReadLimits.TextField"/> names.</summary>
internal static class SeparatedRows
{
    private const int MaxNames = 20;

    public static IEnumerable<SourceRecord> Read(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        using var stream = Utf8Stream(file, new MemberStream(content));
        var tabs = InputFiles.ContentTypeOf(file.Path) == ".tsv";
        var reader = new DelimitedReader(stream, quotes: !tabs, limits.MaxRecordBytes);
        var columns = Columns(reader, limits.TextField, tabs, stop);
        if (!columns.Places.TryGetValue(limits.TextField, out var text))
        {
            throw new UserErrorException(
                columns.Count == 0
                    ? $"{file.Path} holds no rows: its first line must name the columns. Restore the file or leave it out."
                    : $"{file.Path} has no column {limits.TextField}: its first line names "
                        + $"{string.Join(", ", columns.Places.Keys.Take(MaxNames))}{(columns.Places.Count > MaxNames ? ", …" : "")}. "
                        + "Name the column that holds the documents: --text-field NAME. Where no line names the columns, put one first."
            );
        }
        var places = RowFields
            .Others.SelectMany(n => n)
            .Where(columns.Places.ContainsKey)
            .ToDictionary(n => n, n => columns.Places[n], StringComparer.Ordinal);
        long number = 0;
        while (reader.Next(stop))
        {
            number++;
            if (reader.Kind == DelimitedRow.TooLong) funnel.Break(file.Name, reader.Line, "record-too-big");
            else if (reader.Kind == DelimitedRow.QuoteNeverClosed) funnel.Break(file.Name, reader.Line, "quote-never-closed");
            else if (Row(reader, columns.Count, file, number, text, places, limits, funnel) is { } record) yield return record;
        }
    }

    private static SourceRecord? Row(
        DelimitedReader row,
        int columns,
        InputFile file,
        long number,
        int text,
        Dictionary<string, int> places,
        ReadLimits limits,
        Funnel funnel
    )
    {
        if (row.Count <= text)
        {
            funnel.Break(file.Name, row.Line, "row-malformed");
            return null;
        }
        if (row[text].Length > limits.MaxRecordBytes)
        {
            funnel.Break(file.Name, row.Line, "record-too-big");
            return null;
        }
        if (row.Count != columns) funnel.Note("row-of-other-length", file.Name, row.Line);
        if (row.HasTextAfterQuote) funnel.Note("text-after-quote", file.Name, row.Line);
        var body = ReplacedBytes.Decode(row[text], file.Name, row.Line, funnel);
        if (string.IsNullOrWhiteSpace(body))
        {
            funnel.Drop("row-without-text", file.Name, row.Line);
            return null;
        }
        var values = new Dictionary<string, string>(places.Count, StringComparer.Ordinal);
        foreach (var (name, at) in places)
            if (at < row.Count)
                values[name] = Encoding.UTF8.GetString(row[at]);
        return RowFields.Record(
            body,
            file,
            number,
            names => names.Select(n => values.GetValueOrDefault(n)).FirstOrDefault(v => v is not null)
        );
    }

    /// <summary>Places of the columns by name, whatever the case; of two of one name the first counts.</summary>
    private static (Dictionary<string, int> Places, int Count) Columns(
        DelimitedReader reader,
        string wanted,
        bool tabs,
        CancellationToken stop
    )
    {
        reader.Delimiter = tabs ? (byte)'\t' : (byte)',';
        if (!reader.Next(stop) || reader.Kind != DelimitedRow.Complete) return ([], 0);
        var found = Names(reader);
        if (tabs || found.Places.ContainsKey(wanted)) return found;
        // Where it is not the comma: the delimiter that gives the column that is wanted, else the one that gives the most columns.
        var line = reader.Raw.ToArray();
        foreach (var delimiter in ";\t|"u8.ToArray())
        {
            var other = new DelimitedReader(new MemoryStream(line), quotes: true, line.Length) { Delimiter = delimiter };
            if (!other.Next(stop) || other.Kind != DelimitedRow.Complete) continue;
            var names = Names(other);
            if (!names.Places.ContainsKey(wanted) && names.Count <= found.Count) continue;
            (found, reader.Delimiter) = (names, delimiter);
            if (names.Places.ContainsKey(wanted)) break;
        }
        return found;
    }

    private static (Dictionary<string, int> Places, int Count) Names(DelimitedReader row)
    {
        var places = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < row.Count; i++) places.TryAdd(Encoding.UTF8.GetString(row[i]).Trim(), i);
        return (places, row.Count);
    }

    /// <summary>Spreadsheets write UTF-16 too, which begins with its byte-order mark.</summary>
    private static Stream Utf8Stream(InputFile file, Stream stored)
    {
        using var content = StoredMembers.Open(file);
        Span<byte> start = stackalloc byte[2];
        var have = 0;
        using var peek = new MemberStream(content);
        while (have < start.Length && peek.Read(start[have..]) is > 0 and var read) have += read;
        return start[..have] switch
        {
            [0xFF, 0xFE] => Encoding.CreateTranscodingStream(stored, Encoding.Unicode, Encoding.UTF8),
            [0xFE, 0xFF] => Encoding.CreateTranscodingStream(stored, Encoding.BigEndianUnicode, Encoding.UTF8),
            _ => stored,
        };
    }
}
