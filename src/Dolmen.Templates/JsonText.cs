using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>JSON as Python's json.dumps writes it: a space after commas and colons, or an indented line for each item.</summary>
/// <param name="indent">What one level is indented by; null for all in one line.</param>
/// <param name="comma">Between items.</param>
/// <param name="colon">Between a name and its value.</param>
/// <param name="sorted">Names in order.</param>
/// <param name="ascii">Other characters as \u escapes.</param>
internal sealed class JsonText(Rendering rendering, string? indent, string comma, string colon, bool sorted, bool ascii)
{
    private readonly TextBuilder _output = new();
    private int _level;

    public Text Write(object value)
    {
        Value(value);
        rendering.Budget.Make(_output.Length);
        return _output.ToText();
    }

    private void Value(object value)
    {
        rendering.Budget.Enter();
        rendering.Budget.Step();
        if (_output.Length > Budget.LongestString) rendering.Budget.Make(Budget.LongestString + 1L);
        switch (value)
        {
            case None: _output.Append("null"); break;
            case bool flag: _output.Append(flag ? "true" : "false"); break;
            case BigInteger whole: _output.Append(PythonNumber.Format(whole)); break;
            case double number: _output.Append(Number(number)); break;
            case Text text: Quoted(text); break;
            case Sequence { Kind: SequenceKind.List or SequenceKind.Tuple } list: List(list.Items); break;
            case Dict dict: Object(dict); break;
            default: throw new TemplateException($"tojson cannot write {Python.Named(value)}");
        }
        rendering.Budget.Leave();
    }

    private static string Number(double number) => double.IsNaN(number) ? "NaN"
        : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : PythonNumber.Format(number);

    private void List(IReadOnlyList<object> items)
    {
        _output.Append('[');
        _level++;
        for (var i = 0; i < items.Count; i++)
        {
            Next(i == 0);
            Value(items[i]);
        }
        _level--;
        End(items.Count);
        _output.Append(']');
    }

    private void Object(Dict dict)
    {
        _output.Append('{');
        _level++;
        var entries = sorted ? Ordering.By(dict.Entries, entry => entry.Key, false, rendering.Budget) : dict.Entries;
        var first = true;
        foreach (var (key, value) in entries)
        {
            Next(first);
            first = false;
            Quoted(Key(key));
            _output.Append(colon);
            Value(value);
        }
        _level--;
        End(dict.Count);
        _output.Append('}');
    }

    private static Text Key(object key) => key switch
    {
        Text text => text,
        bool flag => new Text(flag ? "true" : "false"),
        None => new Text("null"),
        BigInteger whole => new Text(PythonNumber.Format(whole)),
        double number => new Text(Number(number)),
        _ => throw new TemplateException($"tojson cannot write {Python.Named(key)} as a name"),
    };

    private void Next(bool first)
    {
        if (!first) _output.Append(comma);
        if (indent is not null) NewLine();
    }

    private void End(int count)
    {
        if (indent is not null && count > 0) NewLine();
    }

    private void NewLine()
    {
        _output.Append('\n');
        for (var i = 0; i < _level; i++) _output.Append(indent!);
    }

    private void Quoted(Text text)
    {
        _output.Append('"');
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (Escape(text.Value[i]) is not { } escape) continue;
            _output.Append(text, start, i - start);
            _output.Append(escape, text.Origin);
            start = i + 1;
        }
        _output.Append(text, start, text.Length - start);
        _output.Append('"');
    }

    private string? Escape(char c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
        >= '\u007f' when ascii && c != '\u007f' => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
        _ => null,
    };
}
