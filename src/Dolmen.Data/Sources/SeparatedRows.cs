using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Data.Warc;
using nietras.SeparatedValues;

namespace Dolmen.Data.Sources;

/// <summary>Comma- or tab-separated values whose first line names the columns, one of them <c>text</c> or what <see cref="ReadLimits.TextField"/> names.</summary>
internal static class SeparatedRows
{
    private const int MaxNames = 20;

    public static IEnumerable<SourceRecord> Read(InputFile file, StoredMembers content, ReadLimits limits, Funnel funnel, CancellationToken stop)
    {
        using var stream = new MemberStream(content);
        var tabs = InputFiles.ContentTypeOf(file.Path) == ".tsv";
        // The first line is read as a row: a library that knows of headers refuses two columns of one name, and exports have many such.
        var options = (tabs ? Sep.New('\t') : Sep.Auto).Reader(o => o with { HasHeader = false, Unescape = true, DisableColCountCheck = true });
        using var reader = options.From(new StreamReader(stream, Encoding.UTF8));
        var columns = Columns(file, reader);
        if (!columns.TryGetValue(limits.TextField, out var text))
        {
            throw new UserErrorException(
                $"{file.Path} has no column {limits.TextField}: its first line names {string.Join(", ", columns.Keys.Take(MaxNames))}{(columns.Count > MaxNames ? ", …" : "")}. Name the column that holds the documents: --text-field NAME.");
        }
        var places = RowFields.Others.SelectMany(n => n).Where(columns.ContainsKey).ToDictionary(n => n, n => columns[n], StringComparer.Ordinal);
        long number = 0;
        while (Guarded(file, reader, number))
        {
            number++;
            stop.ThrowIfCancellationRequested();
            if (Row(reader.Current, file, number, text, places, limits, funnel) is { } record) yield return record;
        }
    }

    /// <summary>Places of the columns by name; of two of one name the first counts.</summary>
    private static Dictionary<string, int> Columns(InputFile file, SepReader reader)
    {
        var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        if (!Guarded(file, reader, 0)) return columns;
        for (var i = 0; i < reader.Current.ColCount; i++) columns.TryAdd(reader.Current[i].ToString().Trim(), i);
        return columns;
    }

    private static SourceRecord? Row(SepReader.Row row, InputFile file, long number, int text, Dictionary<string, int> places, ReadLimits limits, Funnel funnel)
    {
        if (row.ColCount <= text)
        {
            funnel.Break(file.Name, number, "row-malformed");
            return null;
        }
        var body = row[text].Span;
        if (body.Length > limits.MaxRecordBytes)
        {
            funnel.Break(file.Name, number, "record-too-big");
            return null;
        }
        if (body.IsWhiteSpace())
        {
            funnel.Drop("row-without-text");
            return null;
        }
        var values = new Dictionary<string, string>(places.Count, StringComparer.Ordinal);
        foreach (var (name, at) in places)
            if (at < row.ColCount) values[name] = row[at].ToString();
        return RowFields.Record(body.ToString(), file, number, names => names.Select(n => values.GetValueOrDefault(n)).FirstOrDefault(v => v is not null));
    }

    private static bool Guarded(InputFile file, SepReader reader, long number)
    {
        try
        {
            return reader.MoveNext();
        }
        catch (NotSupportedException error)
        {
            throw new UserErrorException($"{file.Path}: {(number == 0 ? "its first row" : $"the row behind row {number}")} is longer than a row may be ({error.Message}). A quotation mark that is never closed does that: close it, or leave the file out.", error);
        }
    }
}
