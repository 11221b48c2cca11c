namespace Dolmen.Templates;

/// <summary>Filters that choose items by a test or turn each into another.</summary>
internal static class SelectFilters
{
    public static object Select(object input, Arguments arguments, Rendering rendering) =>
        Choose(input, arguments, rendering, "select", true, false);

    public static object Reject(object input, Arguments arguments, Rendering rendering) =>
        Choose(input, arguments, rendering, "reject", false, false);

    public static object SelectAttr(object input, Arguments arguments, Rendering rendering) =>
        Choose(input, arguments, rendering, "selectattr", true, true);

    public static object RejectAttr(object input, Arguments arguments, Rendering rendering) =>
        Choose(input, arguments, rendering, "rejectattr", false, true);

    public static object Map(object input, Arguments arguments, Rendering rendering)
    {
        if (arguments.Positional.Count == 0)
        {
            var given = arguments.Bind("map", "attribute", "default");
            var path = new AttributePath(Arguments.Needed(given[0], "map", "attribute"), given[1]);
            return new Generator(Each(input, path.Of, rendering));
        }
        var name = Arguments.Text(arguments.Positional[0], "map", "filter").Value;
        if (!Filters.Exists(name)) throw new TemplateException($"map: there is no filter '{name}'");
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(1)] };
        return new Generator(Each(input, item => Filters.Apply(name, item, rest, rendering), rendering));
    }

    private static Generator Choose(object input, Arguments arguments, Rendering rendering, string filter, bool wanted, bool byAttribute)
    {
        var at = byAttribute ? 1 : 0;
        var path = byAttribute
            ? new AttributePath(Arguments.Needed(arguments.Positional is [var first, ..] ? first : null, filter, "attribute"))
            : null;
        if (arguments.Positional.Count <= at)
            return new Generator(Where(input, item => Python.IsTrue(path?.Of(item) ?? item) == wanted, rendering));
        var test = Arguments.Text(arguments.Positional[at], filter, "test").Value;
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(at + 1)] };
        return new Generator(Where(input, item => Tests.Holds(test, path?.Of(item) ?? item, rest, rendering) == wanted, rendering));
    }

    private static IEnumerable<object> Each(object input, Func<object, object> change, Rendering rendering)
    {
        if (!Python.IsTrue(input)) yield break;
        foreach (var item in Python.Items(input))
        {
            rendering.Budget.Step();
            yield return change(item);
        }
    }

    private static IEnumerable<object> Where(object input, Func<object, bool> wanted, Rendering rendering)
    {
        if (!Python.IsTrue(input)) yield break;
        foreach (var item in Python.Items(input))
        {
            rendering.Budget.Step();
            if (wanted(item)) yield return item;
        }
    }
}
