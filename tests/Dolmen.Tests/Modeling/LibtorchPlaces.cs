using System.Xml.Linq;
using Dolmen.Modeling.Native;
using Dolmen.Tests.Repository;

namespace Dolmen.Tests.Modeling;

/// <summary>Where libtorch comes from, and what is said where it does not.</summary>
public class LibtorchPlaces
{
    [Fact]
    public void The_version_that_is_looked_for_is_the_one_that_is_built_with()
    {
        var packages = XDocument.Load(Path.Combine(Checkout.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .Where(package => package.Attribute("Include")?.Value.StartsWith("libtorch-cpu-", StringComparison.Ordinal) == true).ToList();
        Assert.Equal(3, packages.Count);
        Assert.All(packages, package => Assert.Equal(LibtorchLibrary.Version, package.Attribute("Version")?.Value));
    }

    [Fact]
    public void A_system_that_is_too_old_is_told_apart_from_a_damaged_library()
    {
        Assert.Contains("Debian 13", LibtorchLibrary.Explained(
            "/usr/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by libLibTorchSharp.so)"), StringComparison.Ordinal);
        Assert.Equal($"libtorch {LibtorchLibrary.Version} cannot be loaded: libc10.so: file too short",
            LibtorchLibrary.Explained("libc10.so: file too short\n"));
    }

    [Fact]
    public void Beside_the_program_it_is_found() => LibtorchLibrary.Open();
}
