//! A file that appears whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that is being written: a temporary one beside the path, moved there at the end. Create it before long work,
/// so that a path that cannot be written fails at once; dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: Target,
}

#[derive(Debug)]
enum Target {
    Beside(tempfile::NamedTempFile),
    /// What is no file on a disk (a device, a pipe) is written to as it is: nothing could take its place.
    Device(File),
}

impl OutputFile {
    /// Opens a temporary file beside `path`.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written, or `path` is a folder itself.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io = |source| Error::Io { path: path.to_path_buf(), action: "write", source };
        if path.is_dir() {
            return Err(io(std::io::ErrorKind::IsADirectory.into()));
        }
        // The error of the folder itself; that of the temporary file would name a file nobody asked for.
        std::fs::metadata(folder).map_err(io)?;
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let device = File::options().write(true).open(path).map_err(io)?;
            return Ok(OutputFile { path: path.to_path_buf(), file: Target::Device(device) });
        }
        let mut builder = tempfile::Builder::new();
        // The permissions of any new file; a temporary file's own would keep it from other users for ever.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(OutputFile { path: path.to_path_buf(), file: Target::Beside(builder.tempfile_in(folder).map_err(io)?) })
    }

    /// The file to write to.
    pub fn writer(&mut self) -> &mut dyn Write {
        match &mut self.file {
            Target::Beside(file) => file,
            Target::Device(device) => device,
        }
    }

    /// Replaces what stands at the path, in one move.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub fn keep(self) -> Result<()> {
        let OutputFile { path, file } = self;
        let done = match file {
            Target::Beside(file) => {
                file.as_file().sync_all().and_then(|()| file.persist(&path).map(drop).map_err(|error| error.error))
            }
            Target::Device(mut device) => device.flush(),
        };
        done.map_err(|source| Error::Io { path, action: "write", source })
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
        let mut output = OutputFile::create(path)?;
        let written = output.writer().write_all(bytes);
        written.map_err(|source| Error::Io { path: path.to_path_buf(), action: "write", source })?;
        output.keep()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To put a file in the place of a device would be to lose the device.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_stays_one() {
        use std::os::unix::fs::FileTypeExt;

        let is_device = |path: &str| std::fs::metadata(path).unwrap().file_type().is_char_device();
        OutputFile::replace(Path::new("/dev/null"), b"nothing").unwrap();
        let full = OutputFile::replace(Path::new("/dev/full"), b"more than fits");
        assert!(matches!(full, Err(Error::Io { action: "write", .. })));
        assert!(is_device("/dev/null") && is_device("/dev/full"));
    }
}
