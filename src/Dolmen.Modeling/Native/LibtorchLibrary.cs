using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using TorchSharp;

namespace Dolmen.Modeling.Native;

/// <summary>Loads libtorch: from beside the program where a package reference put it, otherwise, as in the installed command, from the
/// folder that <c>DOLMEN_LIBTORCH</c> names or from where NuGet keeps packages.</summary>
public static class LibtorchLibrary
{
    /// <summary>The version that this TorchSharp was built against: no other one loads.</summary>
    public const string Version = "2.10.0";

    private const string Variable = "DOLMEN_LIBTORCH";

    /// <summary>Each needs those before it, which the system finds by name once they are loaded.</summary>
    private static readonly string[] Parts = ["c10", "torch_cpu", "torch"];

    private static readonly Lazy<string?> Trouble = new(Load);

    /// <exception cref="UserErrorException">It is not there, or this system cannot load it: says what to do.</exception>
    public static void Open()
    {
        if (Trouble.Value is { } trouble) throw new UserErrorException(trouble);
    }

    private static string? Load()
    {
        var assembly = typeof(torch).Assembly;
        // The order of TorchSharp's own attempt, which would end in copying 600 MB beside the program.
        NativeLibrary.TryLoad("torch_cpu", assembly, null, out _);
        if (NativeLibrary.TryLoad("LibTorchSharp", assembly, null, out _)) return null;
        if (Platform is not { } platform)
        {
            return $"Training runs on x64 Linux, x64 Windows and arm64 macOS, for which there is a libtorch; this is "
                + $"{RuntimeInformation.RuntimeIdentifier}. Generating, chatting, serving and work on data run here.";
        }
        var (folder, said) = Folder(platform);
        try
        {
            // Beside the program: then what is wrong with it is said by loading it again.
            if (File.Exists(Path.Combine(AppContext.BaseDirectory, FileName("torch_cpu")))) folder = AppContext.BaseDirectory;
            if (folder is null) return said;
            foreach (var part in Parts) NativeLibrary.Load(Path.Combine(folder, FileName(part)));
            NativeLibrary.Load("LibTorchSharp", assembly, null);
            return null;
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            return Explained(error.Message);
        }
    }

    /// <summary>What to do about a library that the system's loader refuses.</summary>
    internal static string Explained(string message)
    {
        if (!message.Contains("GLIBC", StringComparison.Ordinal))                // GLIBC_2.36, GLIBCXX_3.4.32
            return $"libtorch {Version} cannot be loaded: {message.Trim()}";
        return "Training needs a libstdc++ with GLIBCXX_3.4.32 (GCC 13), and this system's is older: Debian 13, Ubuntu 24.04 and Fedora 39 "
            + "have it. On an older system start from a checkout of Dolmen, whose ./dolmen brings a newer one for itself alone. "
            + "Generating, chatting, serving and work on data run here as they are.";
    }

    private static (string? Folder, string WayOut) Folder(string platform)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(Path.Combine(named, FileName("torch_cpu"))) ? (named, "")
                : (null, $"{Variable} is '{named}', and that folder holds no {FileName("torch_cpu")}: name the folder with libtorch "
                    + $"{Version}'s libraries, or unset it.");
        }
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } moved ? moved
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var package = $"libtorch-cpu-{platform}";
        var folder = Path.Combine(packages, package, Version, "runtimes", platform, "native");
        return File.Exists(Path.Combine(folder, FileName("torch_cpu"))) ? (folder, "")
            : (null, $"Training needs libtorch {Version}, which does not come with this program. Fetch it once (about 130 MB) with: "
                + $"dotnet package download {package}@{Version} --output \"{packages}\"");
    }

    private static string? Platform => (OperatingSystem.IsLinux(), OperatingSystem.IsWindows(), OperatingSystem.IsMacOS(),
        RuntimeInformation.ProcessArchitecture) switch
    {
        (true, _, _, Architecture.X64) => "linux-x64",
        (_, true, _, Architecture.X64) => "win-x64",
        (_, _, true, Architecture.Arm64) => "osx-arm64",
        _ => null,
    };

    private static string FileName(string part) =>
        OperatingSystem.IsWindows() ? $"{part}.dll" : OperatingSystem.IsMacOS() ? $"lib{part}.dylib" : $"lib{part}.so";
}
